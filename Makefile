# Builds the extension with PGXS. The core's own tests are CMake's (CMakeLists.txt).
#   make, make install, make installcheck   (PG_CONFIG=/path/to/pg_config chooses the server)
MODULE_big = vecidx
EXTENSION = vecidx
DATA = $(srcdir)/sql/install/vecidx--0.1.0.sql

# Listed one a line: a wildcard finds nothing in a VPATH build.
CORE_OBJS = \
	core/code/index.o \
	core/code/scancode.o \
	core/page/leaf.o \
	core/page/page.o \
	core/page/remove.o \
	core/page/rows.o \
	core/page/validate.o \
	core/search/dial.o \
	core/search/estimate.o \
	core/search/query.o \
	core/search/scan.o \
	core/search/scan_emit.o \
	core/search/scan_nodes.o \
	core/search/scan_rows.o \

TYPE_OBJS = \

AM_OBJS = \

OBJS = $(CORE_OBJS) $(TYPE_OBJS) $(AM_OBJS) src/vecidx.o

REGRESS =

PG_CPPFLAGS = -I$(srcdir)/core/include -I$(srcdir)/src
PG_CFLAGS = -std=gnu11 -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(WERROR)
# The core needs no C++ runtime; -U_GLIBCXX_ASSERTIONS because distributions' hardening would pull one in.
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden \
	-fvisibility-inlines-hidden -U_GLIBCXX_ASSERTIONS -I$(srcdir)/core -Wall -Wextra $(WERROR)
SHLIB_LINK = -lm
# PGXS does not pass PG_CXXFLAGS to its bitcode rule.
override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
