# Builds the extension with PGXS. The core's own tests are CMake's (CMakeLists.txt).
#   make, make install, make installcheck   (PG_CONFIG=/path/to/pg_config chooses the server)
MODULE_big = vecidx
EXTENSION = vecidx
DATA = sql/install/vecidx--0.1.0.sql

# Listed one a line: a wildcard finds nothing in a VPATH build.
CORE_OBJS = \
	core/code/index.o \
	core/code/scancode.o \
	core/grow/anchor.o \
	core/grow/first.o \
	core/grow/fresh.o \
	core/grow/hood.o \
	core/grow/hood_rows.o \
	core/grow/lanes.o \
	core/grow/leaves.o \
	core/grow/move.o \
	core/grow/recentre.o \
	core/grow/regroup.o \
	core/grow/split.o \
	core/grow/tend.o \
	core/grow/vacuum.o \
	core/grow/vacuum_rows.o \
	core/grow/vacuum_tree.o \
	core/kernel/distance_c.o \
	core/kernel/half.o \
	core/kernel/kernels.o \
	core/kernel/scalar.o \
	core/kernel/simd.o \
	core/page/inner.o \
	core/page/layout_check.o \
	core/page/leaf.o \
	core/page/list_rows.o \
	core/page/page.o \
	core/page/rows.o \
	core/page/validate.o \
	core/search/calibrate.o \
	core/search/check.o \
	core/search/check_room.o \
	core/search/check_rows.o \
	core/search/check_sweep.o \
	core/search/check_tree.o \
	core/search/children.o \
	core/search/conditions.o \
	core/search/dial.o \
	core/search/estimate.o \
	core/search/insert.o \
	core/search/insert_apply.o \
	core/search/insert_route.o core/search/insert_slot.o \
	core/search/probe.o \
	core/search/query.o \
	core/search/scan.o \
	core/search/scan_emit.o \
	core/search/scan_gate.o \
	core/search/scan_nodes.o \
	core/search/scan_rows.o \
	core/tree/centroids.o \
	core/tree/directions.o \
	core/tree/grouping.o \
	core/tree/layout.o \
	core/tree/lloyd.o \
	core/tree/lloyd_update.o \
	core/tree/plan.o \
	core/tree/route.o \
	core/tree/router.o \
	core/tree/split.o \
	core/tree/train.o \
	core/tree/train_tree.o \
	core/tree/writer.o \
	core/tree/writer_chain.o \
	core/tree/writer_leaf.o \
	core/tree/writer_tree.o \

TYPE_OBJS = \
	src/type/distance_memo.o \
	src/type/vector_aggregate.o \
	src/type/vector_analyze.o \
	src/type/vector_arithmetic.o \
	src/type/vector_ball.o \
	src/type/vector_cast.o \
	src/type/vector_check.o \
	src/type/vector_compare.o \
	src/type/vector_distance.o \
	src/type/vector_function.o \
	src/type/vector_io.o \
	src/type/vector_parse.o \
	src/type/vector_subscript.o \
	src/type/vector_within.o \

AM_OBJS = \
	src/am/buffer.o \
	src/am/build.o \
	src/am/build_parallel.o \
	src/am/change.o \
	src/am/calibrate.o \
	src/am/calibrate_team.o \
	src/am/calibration.o \
	src/am/check.o \
	src/am/conditions.o \
	src/am/cost.o \
	src/am/filter.o \
	src/am/counts.o \
	src/am/explain_scan.o \
	src/am/handler.o \
	src/am/idle_sort.o \
	src/am/info.o \
	src/am/insert.o \
	src/am/inspect.o \
	src/am/last_scan.o \
	src/am/limit.o \
	src/am/metric.o \
	src/am/note.o \
	src/am/options.o \
	src/am/page.o \
	src/am/recall.o \
	src/am/sample.o \
	src/am/scan.o \
	src/am/segment.o \
	src/am/selectivity.o \
	src/am/shape.o \
	src/am/spool.o \
	src/am/tend.o \
	src/am/train.o \
	src/am/train_parallel.o \
	src/am/vacuum.o \
	src/am/validate.o \
	src/am/within.o \
	src/am/workspace.o \
	src/am/write.o \

EXPLAIN_OBJS = \
	src/explain/advice.o \
	src/explain/explain.o \
	src/explain/findings.o \
	src/explain/forms.o \
	src/explain/indexes.o \
	src/explain/order.o \
	src/explain/plans.o \
	src/explain/rewrite.o \
	src/explain/searches.o \
	src/explain/statement.o \
	src/explain/tokens.o \
	src/explain/trace.o \

# Fault points for tests (src/am/faults.c): FAULTS=1. No library that is installed for use has them.
ifeq ($(FAULTS),1)
CORE_OBJS += core/grow/names.o core/grow/names_vacuum.o
AM_OBJS += src/am/faults.o
endif

OBJS = $(CORE_OBJS) $(TYPE_OBJS) $(AM_OBJS) $(EXPLAIN_OBJS) src/vecidx.o

# init creates the extension for the others.
REGRESS = \
	init \
	type_input \
	type_functions \
	type_operators \
	type_casts \
	type_aggregates \
	type_btree_hash \
	type_subscript \
	type_copy \
	type_ball \
	type_soft type_stored \
	type_errors \
	type_random \
	type_catalog \
	type_schema \
	am_helpers \
	am_scan \
	am_reference \
	am_options \
	am_write \
	am_wide \
	am_planner \
	am_plans \
	am_within \
	am_last_scan \
	am_explain \
	am_ddl \
	am_calibrate \
	am_catalog \

# init makes what the others share.
ISOLATION = \
	init \
	scan_beside_writes \
	scan_beside_vacuum \
	insert_same_leaf \
	build_concurrently \
	repeatable_read \
	serializable \
	scan_beside_growth \
	first_training \
	train_beside_build \
	anchors \
	range_beside_growth \
	last_scan \

ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation --load-extension=vecidx

# -Wno-unused-parameter: the server fixes the signatures of its callbacks. WERROR=-Werror makes warnings errors.
PG_CPPFLAGS = -I$(srcdir)/core/include -I$(srcdir)/src $(if $(filter 1,$(FAULTS)),-DVECIDX_FAULTS)
PG_CFLAGS = -std=gnu11 -Wextra -Wno-unused-parameter $(WERROR)
# The server's own -O2 leaves the core's loops without vectors; `make CXXFLAGS=...` has its way. No code there asks errno
# what mathematical functions did; so they become instructions.
CORE_OPTIMISATION = $(if $(findstring command,$(origin CXXFLAGS)),,-O3) -fno-math-errno
# The core needs no C++ runtime; -U_GLIBCXX_ASSERTIONS because distributions' hardening would pull one in.
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden \
	-fvisibility-inlines-hidden -U_GLIBCXX_ASSERTIONS $(CORE_OPTIMISATION) -I$(srcdir)/core -Wall -Wextra $(WERROR)
SHLIB_LINK = -lm
# PGXS does not pass PG_CXXFLAGS to its bitcode rule.
override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# In a VPATH build only sources are looked for beside the Makefile: objects there are another build's.
override srcdir := $(srcdir)
ifneq ($(srcdir),.)
override VPATH =
vpath %.c $(srcdir)
vpath %.cpp $(srcdir)
vpath %.control $(srcdir)
vpath %.sql $(srcdir)
endif

# The server's headers are not ours to keep free of warnings.
override CPPFLAGS := $(patsubst -I$(includedir_server),-isystem $(includedir_server),$(CPPFLAGS))
# The server's flags are those of the compiler that built it.
ifneq (,$(findstring clang,$(CC)))
override CFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument
endif
ifneq (,$(findstring clang,$(CXX)))
override CXXFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument
endif

# All extensions share one name space in the server (dlopen with RTLD_GLOBAL), so nothing else may be seen.
ifeq ($(PORTNAME),linux)
override SHLIB_LINK += -Wl,--version-script=$(srcdir)/src/vecidx.map
$(shlib): $(srcdir)/src/vecidx.map
endif

# A distribution's server has no dependency tracking, and a VPATH build starts in an empty folder.
$(OBJS): $(wildcard $(addprefix $(srcdir)/,src/*.h src/*/*.h core/include/vecidx/*.h core/*/*.hpp))
$(shell mkdir -p $(dir $(OBJS)))

# Longer runs and conveniences; doc/testing.md describes them.
SECONDS ?= 60
CYCLES ?= 100
MINUTES ?= 30
SCHEDULES ?= 100000
.PHONY: test quickstart check-17 check-18 check-bare fuzz crash-loop soak simulate mutants format
test quickstart:
	sh $(srcdir)/tools/$@.sh
check-17:
	sh $(srcdir)/tools/chroot.sh test trixie
check-18:
	sh $(srcdir)/tools/chroot.sh test sid
check-bare:
	sh $(srcdir)/tools/chroot.sh bare bookworm
fuzz:
	sh $(srcdir)/tools/fuzz.sh $(SECONDS)
crash-loop:
	VECIDX_CYCLES=$(CYCLES) sh $(srcdir)/tools/longrun.sh 009_crash_loop.pl
soak:
	VECIDX_MINUTES=$(MINUTES) sh $(srcdir)/tools/longrun.sh 011_soak.pl
simulate:
	sh $(srcdir)/tools/simulate.sh $(SCHEDULES)
mutants:
	sh $(srcdir)/tools/mutants.sh
format:
	cd $(srcdir) && git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs clang-format -i

# vecidx beside pgvector on real data: make bench SET=fashion SERVER=/path/to/pg_config (default: the Debian sid chroot).
SET ?= glove
SERVER ?= $(srcdir)/build/chroots/sid
.PHONY: bench
bench:
	python3 $(srcdir)/bench/run.py --set $(SET) --server $(SERVER) --install
