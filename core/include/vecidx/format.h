/*
 * The bytes on an index page, for both sides of the wall. core/FORMAT.md tells the same in words.
 *
 * Every page has PostgreSQL's standard header (24 bytes) and a 24-byte special area at its end. All integers are in
 * the machine's own byte order, as in the rest of a PostgreSQL data directory. No field depends on the server version.
 */
#ifndef VECIDX_FORMAT_H
#define VECIDX_FORMAT_H

#include <stdint.h>

#define VX_PAGE_SIZE 8192u
#define VX_SPECIAL_SIZE 24u
#define VX_SPECIAL_OFFSET (VX_PAGE_SIZE - VX_SPECIAL_SIZE)
#define VX_HEADER_OFFSET 24u  /* a page's own header follows PostgreSQL's */
#define VX_ENTRIES_OFFSET 40u /* first entry of code, raw and list pages (16-byte own header) */
#define VX_BLOCKS_OFFSET 64u  /* first 64-byte row of inner and leaf pages (40-byte own header) */

#define VX_MAGIC 0x78646976u /* "vidx" */
#define VX_FORMAT_VERSION 6u
#define VX_PAGE_ID 0xFF9Au /* last two bytes of every page, as PostgreSQL's own access methods have one */
#define VX_NO_BLOCK 0xFFFFFFFFu
#define VX_META_BLOCK 0u
#define VX_MAX_DIM 16000u

/* Lanes of an interleaved block, and the bytes of one row (4 of each lane). */
#define VX_LANES 16u
#define VX_ROW_BYTES 64u
#define VX_ROWS_PER_PAGE ((VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET) / VX_ROW_BYTES) /* 126 */

typedef enum vx_page_kind {
	VX_KIND_META = 1,
	VX_KIND_MEAN = 2,   /* the float32 mean of the rows */
	VX_KIND_INNER = 3,  /* children: 8-bit centroids, radii, blocks */
	VX_KIND_LEAF = 4,   /* scan codes with references to code slots */
	VX_KIND_CODE = 5,   /* row pointers with refine codes */
	VX_KIND_RAW = 6,    /* row pointers with float32 vectors */
	VX_KIND_LIST = 7,   /* row pointers alone */
	VX_KIND_FREE = 8,   /* was in use, to be used again */
	VX_KIND_REST = 9,   /* what the page of a code slot has no room for of its refine code */
	VX_KIND_ANCHOR = 10 /* a point that refine codes may be relative to */
} vx_page_kind;

/* The special area: what a page is. `node` is never reused; a pointer to a page also holds the node it expects. */
typedef struct vx_special {
	uint64_t node;
	uint32_t codes; /* head of a leaf: code page where the codes of its next rows go; VX_META_BLOCK: none yet */
	uint32_t reserved;
	uint8_t kind;
	uint8_t version;
	uint16_t level;       /* inner: 1 parent of leaves, ...; leaf: VX_LEAF_*; else 0 */
	uint16_t entry_bytes; /* of one entry (code, raw, list), one block of 16 (inner, leaf), or all on it (meta, mean) */
	uint16_t page_id;
} vx_special;

typedef enum vx_metric { VX_L2 = 1, VX_COSINE = 2, VX_IP = 3 } vx_metric;
typedef enum vx_tree_kind { VX_TREE_KMEANS = 1 } vx_tree_kind;

/*
 * The clock counts the changes of the tree's shape. A lane (child entry) is seen by the scans that started, by this
 * clock, at its birth or later and before its retirement.
 */
#define VX_NEVER UINT64_MAX

/*
 * What searches of this index found: how far the gate must be open (the effort, core/search/dial.hpp) for each of some
 * recalls, for 1, 10 and 100 rows wanted, and what is read then. Means over the queries; each grows with the recall.
 */
#define VX_RECALLS 14u
#define VX_CALIBRATED_KS 3u

typedef struct vx_curve {
	float efforts[VX_RECALLS];
	float found[VX_RECALLS];   /* the recall that was measured there */
	float leaves[VX_RECALLS];  /* opened */
	float entries[VX_RECALLS]; /* in them */
} vx_curve;

typedef struct vx_calibration {
	double rows;                       /* in the index when it was measured */
	uint32_t queries;                  /* asked; 0: it was not */
	uint32_t leaves;                   /* of the tree then */
	vx_curve curves[VX_CALIBRATED_KS]; /* 1, 10, 100 rows wanted */
} vx_calibration;

/* By what queries. */
typedef enum vx_calibrated_by {
	VX_BY_ROWS,   /* rows of the index, each without itself */
	VX_BY_QUERIES /* a sample of the user's */
} vx_calibrated_by;

/* Block 0, at VX_HEADER_OFFSET. */
typedef struct vx_meta {
	uint32_t magic;
	uint32_t version;
	uint32_t dim;
	uint8_t metric;
	uint8_t tree;
	uint8_t scan_bits; /* 1, 2 or 4 */
	uint8_t levels;    /* 0: no tree, all rows in the raw run; 1: the root's children are leaves; ... */
	uint64_t seed;     /* of the rotation and of training */
	uint64_t epoch;    /* changes when mean, anchors or shape change: a cached copy with another epoch is stale */
	uint64_t clock;    /* changes of the tree's shape so far, at least 1 */
	uint64_t next_node;
	uint64_t root_node;
	uint64_t raw_node;  /* of the raw run */
	uint32_t root;      /* first page of the root node, VX_NO_BLOCK without a tree */
	uint32_t mean;      /* first VX_KIND_MEAN page, VX_NO_BLOCK without a tree */
	uint32_t raw;       /* head of the raw run; always there */
	uint32_t wild;      /* head of the list of rows that no code can hold (huge or tiny values) */
	uint32_t late;      /* head of the list of rows without a distance (NULL, zero under cosine) */
	uint32_t code_tail; /* code page that a build left with room; VX_NO_BLOCK: none */
	uint32_t room[4];   /* VX_ROOM_*: first of the pages with room that VACUUM made, VX_NO_BLOCK if none */
	uint32_t leaves;    /* living ones */
	uint32_t leaf_size; /* rows a leaf is meant to hold */
	uint64_t rows;      /* as of the last build or vacuum, all lists included */
	double spread;      /* root mean square distance of the trained rows to the mean */
	double local_dim;   /* number of directions in which near rows lie (participation ratio), 0: unknown */
	uint64_t trained;   /* code pages written by the first training carry this node id, others 0 */
	uint32_t anchors;   /* the newest VX_KIND_ANCHOR page, VX_NO_BLOCK: none */
	uint32_t nanchors;
	uint64_t reserved[2];
	vx_calibration calibrations[2]; /* by vx_calibrated_by */
} vx_meta;

/* Which rows a page with room is for: meta.room. */
typedef enum vx_room { VX_ROOM_CODE, VX_ROOM_RAW, VX_ROOM_WILD, VX_ROOM_LATE } vx_room;

/*
 * Header of a page of rows. Chains (leaf, raw, list) have a fixed head; head.next is the newest page, and only these
 * two and the pages of a room list have room.
 */
typedef struct vx_chain_header {
	uint32_t next;
	uint16_t count;  /* entries on this page; on code pages with those dead or free */
	uint16_t behind; /* head of a leaf or of the raw run: pages behind it, at most 65535 */
} vx_chain_header;

/* Header of a code, raw or list page. */
typedef struct vx_rows_header {
	vx_chain_header chain;
	uint32_t room; /* next page of the room list; VX_NO_BLOCK at its end; VX_META_BLOCK: not on the list */
	uint16_t dead; /* code pages: slots that are dead, the free ones among them */
	uint16_t free; /* code pages: slots that are free */
} vx_rows_header;

/* Row pointer with flags, first in every entry of code, raw and list pages. */
typedef struct vx_row {
	uint32_t block;
	uint16_t offset;
	uint16_t flags; /* VX_ROW_* */
} vx_row;

#define VX_ROW_DEAD 1u /* code page: removed by VACUUM, skip; scan entries may still lead here */
#define VX_ROW_NULL 2u /* list page: the vector is NULL (else its distance is NaN) */
#define VX_ROW_FREE 4u /* code page, with DEAD: no scan entry leads here, the slot may be used again */
/* Code page: number of the anchor that the code is relative to; 0: it is relative to the mean. */
#define VX_ROW_ANCHOR 0x0F00u
#define VX_ROW_ANCHOR_SHIFT 8
#define VX_MOST_ANCHORS 15u

/*
 * Code page: vx_rows_header at 24, then entries of vx_code_stride(dim) bytes from 40. An entry larger than a page has
 * one of its own with the first vx_code_here(dim) bytes, whose `next` is a page of kind REST. That has vx_chain_header
 * at 24, its `next` leading back and its count 1, and the other bytes from 40. Such a pair stays together for good.
 */
typedef struct vx_code_entry {
	vx_row row;
	float scale; /* y ~ anchor + scale * code */
	float error; /* |y - anchor - scale * code|, rounded up */
	int8_t code[];
} vx_code_entry;

/* Raw page: vx_rows_header at 24, then entries of vx_raw_stride(dim) bytes from 40; vectors as they are in the table.
 */
typedef struct vx_raw_entry {
	vx_row row;
	float x[];
} vx_raw_entry;

static inline uint32_t vx_code_stride(uint32_t dim) {
	return 16u + ((dim + 3u) & ~3u);
}
/* Bytes of an entry that lie on its slot's page, and those on the page after that. */
static inline uint32_t vx_code_here(uint32_t dim) {
	uint32_t all = vx_code_stride(dim), most = VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET;
	return all < most ? all : most;
}
static inline uint32_t vx_code_rest(uint32_t dim) {
	return vx_code_stride(dim) - vx_code_here(dim);
}
static inline uint32_t vx_codes_per_page(uint32_t dim) {
	return (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / vx_code_here(dim);
}
static inline uint32_t vx_raw_stride(uint32_t dim) {
	return 8u + 4u * dim;
}
static inline uint32_t vx_raws_per_page(uint32_t dim) {
	return (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / vx_raw_stride(dim);
}
static inline uint32_t vx_list_per_page(void) {
	return (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / 8u;
}

/* A code slot's reference: block * codes_per_page + slot, in 32 bits. */

/*
 * Leaf page header at 24. A scan entry whose row has another one in another leaf since is *marked*: its add is
 * +infinity, so that no scan takes it. Scans that started before `moved` must take it all the same.
 */
typedef struct vx_leaf_header {
	vx_chain_header chain;
	float unit;       /* a length > 0: add is stored as add / unit^2, mul as mul / unit (see pack_factors) */
	float error;      /* mean error factor of the entries: lower = est - eps * error * sqrt(min(|q-c|^2, rho^2)) */
	uint64_t moved;   /* clock of the newest mark on this page, 0: none */
	uint64_t horizon; /* transaction id after which no snapshot needs marked entries any more */
	uint64_t forgot;  /* scans that started before this clock must not trust the page: marked entries were dropped */
} vx_leaf_header;

/*
 * The point that a leaf's scan codes are relative to, at the end of its head page, right before the special area. A
 * leaf without one has codes relative to its lane's centroid, which then has not moved since they were written.
 */
typedef struct vx_origin {
	float scale; /* the origin is exactly scale * code */
	int8_t code[];
} vx_origin;

static inline uint32_t vx_quads(uint32_t dim) {
	return (dim + 3u) / 4u;
}
static inline uint32_t vx_origin_bytes(uint32_t dim) {
	return 4u + 4u * vx_quads(dim);
}

/* A leaf page's level: vx_quads if it ends with an origin, and whether its last block is still row-major. */
#define VX_LEAF_QUADS 0x7FFFu
#define VX_LEAF_ROWS 0x8000u

/*
 * Coordinates that a scan code covers: the first of them, as many as one block of 16 entries on a page has room for
 * with one bit. More bits must cover all; where they do not fit a page, vx_leaf_capacity is 0.
 */
#define VX_MOST_SCAN_DIMS ((VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET - 2u * VX_ROW_BYTES) / VX_LANES * 8u) /* 3984 */
static inline uint32_t vx_scan_dims(uint32_t dim, uint32_t bits) {
	return bits == 1 && dim > VX_MOST_SCAN_DIMS ? VX_MOST_SCAN_DIMS : dim;
}

/*
 * A leaf page has references (u32) for as many entries as it has room for from VX_BLOCKS_OFFSET on, then the blocks.
 * A block: vx_scan_bytes code bytes, 16 of each, then add (16 x f16), mul (16 x f16). A last block that inserts are
 * filling is row-major until it is full: for each entry its code bytes, add, mul.
 */
static inline uint32_t vx_scan_bytes(uint32_t dim, uint32_t bits) {
	return (vx_scan_dims(dim, bits) * bits + 7u) / 8u;
}
static inline uint32_t vx_leaf_block_bytes(uint32_t dim, uint32_t bits) {
	return vx_scan_bytes(dim, bits) * VX_LANES + VX_ROW_BYTES;
}
/* References of the entries of a block, and of all that a page of blocks of so many bytes has room for. */
#define VX_LEAF_REFS_BYTES (4u * VX_LANES)
static inline uint32_t vx_leaf_blocks_of(uint32_t block_bytes) {
	return (VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET) / (block_bytes + VX_LEAF_REFS_BYTES);
}
static inline uint32_t vx_leaf_blocks_per_page(uint32_t dim, uint32_t bits) {
	return vx_leaf_blocks_of(vx_leaf_block_bytes(dim, bits));
}
static inline uint32_t vx_leaf_capacity(uint32_t dim, uint32_t bits) {
	return vx_leaf_blocks_per_page(dim, bits) * VX_LANES;
}
/* Where the first block begins. */
static inline uint32_t vx_leaf_blocks_offset(uint32_t dim, uint32_t bits) {
	return VX_BLOCKS_OFFSET + vx_leaf_blocks_per_page(dim, bits) * VX_LEAF_REFS_BYTES;
}
/* The capacity of a page that ends with an origin; 0 where that does not fit. */
static inline uint32_t vx_leaf_capacity_with_origin(uint32_t dim, uint32_t bits) {
	uint32_t room = VX_SPECIAL_OFFSET - vx_leaf_blocks_offset(dim, bits), origin = vx_origin_bytes(dim);
	uint32_t fit = origin < room ? (room - origin) / vx_leaf_block_bytes(dim, bits) * VX_LANES : 0;
	uint32_t most = vx_leaf_capacity(dim, bits);
	return fit < most ? fit : most;
}

/*
 * Inner page header at 24. A node is a run of pages linked by `next`. Each page holds whole blocks of 16 lanes where
 * they fit; a block larger than a page lies on a group of pages of its own, its fields on the first.
 */
typedef struct vx_inner_header {
	uint32_t next;
	uint16_t blocks;  /* on this page, at least 1; 1 on every page of a group */
	uint16_t part;    /* which page of its group this is, from 0 */
	uint64_t horizon; /* transaction id after which no snapshot needs the lanes retired up to `until` any more */
	uint64_t forgot;  /* scans that started before this clock must not trust the page: retired lanes were used again */
	uint64_t until;   /* a clock; lanes retired later wait for the next horizon. 0: none is waiting */
	uint64_t reserved;
} vx_inner_header;

/* An inner block: these rows of 16 values each, then vx_quads(dim) rows of centroid bytes (code + 128). */
typedef enum vx_inner_row {
	VX_CHILD_SCALE = 0, /* f32: centroid ~ scale * code; exactly that is the centroid */
	VX_CHILD_NORM,      /* f32: |centroid|^2, the extra coordinate of inner product included */
	VX_CHILD_RADIUS,    /* f32: no row below is farther from the centroid, rounded up */
	VX_CHILD_SPREAD,  /* f32: parent of leaves: rms distance of its rows; above: largest distance of a leaf centroid */
	VX_CHILD_AUX,     /* f32: inner product: the centroid's extra coordinate (mean of 2|x|); else 0 */
	VX_CHILD_BLOCK,   /* u32: first page; VX_NO_BLOCK: the lane is not in use */
	VX_CHILD_NODE_LO, /* u32: node id, low and high half */
	VX_CHILD_NODE_HI,
	VX_CHILD_BORN_LO, /* u32: clock at which the lane was published, VX_NEVER before */
	VX_CHILD_BORN_HI,
	VX_CHILD_RETIRED_LO, /* u32: clock at which it was replaced, VX_NEVER while it lives */
	VX_CHILD_RETIRED_HI,
	VX_CHILD_FIELDS
} vx_inner_row;

static inline uint32_t vx_inner_block_rows(uint32_t dim) {
	return (uint32_t)VX_CHILD_FIELDS + vx_quads(dim);
}
/* Blocks on a page; 0 when a block takes several. */
static inline uint32_t vx_inner_blocks_per_page(uint32_t dim) {
	return VX_ROWS_PER_PAGE / vx_inner_block_rows(dim);
}
/* Pages of a block: 1 unless it is larger than a page. */
static inline uint32_t vx_inner_group_pages(uint32_t dim) {
	return (vx_inner_block_rows(dim) + VX_ROWS_PER_PAGE - 1u) / VX_ROWS_PER_PAGE;
}

/*
 * Mean page header at 24: the mean is a run of pages linked by `next`, float32 from VX_BLOCKS_OFFSET on each, all that
 * fit but on the last, whose `next` says nothing.
 */
typedef struct vx_mean_header {
	uint32_t next;
	uint16_t reserved;
	uint16_t part; /* which page of the run this is, from 0 */
} vx_mean_header;

#define VX_MEAN_PER_PAGE ((VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET) / 4u) /* 2026 */

static inline uint32_t vx_mean_pages(uint32_t dim) {
	return (dim + VX_MEAN_PER_PAGE - 1u) / VX_MEAN_PER_PAGE;
}
/* Coordinates on a page of the run; 0 beyond its end. */
static inline uint32_t vx_mean_coordinates(uint32_t dim, uint32_t part) {
	uint32_t before = part * VX_MEAN_PER_PAGE, left = dim > before ? dim - before : 0;
	return left < VX_MEAN_PER_PAGE ? left : VX_MEAN_PER_PAGE;
}

/*
 * Anchor page: vx_mean_header at 24, `part` its number from 1 on and `next` the page of the one before; the point, as a
 * vx_origin, from VX_BLOCKS_OFFSET on. Where it would not fit a page there are none.
 */
static inline int vx_may_have_anchors(uint32_t dim) {
	return vx_origin_bytes(dim) <= VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET;
}

/*
 * Whether an index of few rows may keep them raw and train on them later, which writes one mean page. Vectors of more
 * dimensions fit no raw page (or hardly): such an index is a tree from the start, and its raw run stays empty.
 */
static inline int vx_may_be_raw(uint32_t dim) {
	return dim <= VX_MEAN_PER_PAGE;
}

#endif
