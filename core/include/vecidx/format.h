/*
 * The bytes on an index page, for both sides of the wall. core/FORMAT.md tells the same in words.
 *
 * Every page has PostgreSQL's standard header (24 bytes) and a 16-byte special area at its end. All integers are in
 * the machine's own byte order, as in the rest of a PostgreSQL data directory. No field depends on the server version.
 */
#ifndef VECIDX_FORMAT_H
#define VECIDX_FORMAT_H

#include <stdint.h>

#define VX_PAGE_SIZE 8192u
#define VX_SPECIAL_SIZE 16u
#define VX_SPECIAL_OFFSET (VX_PAGE_SIZE - VX_SPECIAL_SIZE)
#define VX_HEADER_OFFSET 24u  /* a page's own header follows PostgreSQL's */
#define VX_ENTRIES_OFFSET 32u /* first entry of code, raw and list pages (8-byte own header) */
#define VX_BLOCKS_OFFSET 64u  /* first 64-byte row of inner and leaf pages (40-byte own header) */

#define VX_MAGIC 0x78646976u /* "vidx" */
#define VX_FORMAT_VERSION 1u
#define VX_PAGE_ID 0xFF9Au /* last two bytes of every page, as PostgreSQL's own access methods have one */
#define VX_NO_BLOCK 0xFFFFFFFFu
#define VX_META_BLOCK 0u
#define VX_MAX_DIM 2000u

/* Lanes of an interleaved block, and the bytes of one row (4 of each lane). */
#define VX_LANES 16u
#define VX_ROW_BYTES 64u
#define VX_ROWS_PER_PAGE ((VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET) / VX_ROW_BYTES) /* 126 */

typedef enum vx_page_kind {
	VX_KIND_META = 1,
	VX_KIND_MEAN = 2,  /* the float32 mean of the rows */
	VX_KIND_INNER = 3, /* children: 8-bit centroids, radii, blocks */
	VX_KIND_LEAF = 4,  /* scan codes with references to code slots */
	VX_KIND_CODE = 5,  /* row pointers with refine codes */
	VX_KIND_RAW = 6,   /* row pointers with float32 vectors */
	VX_KIND_LIST = 7   /* row pointers alone */
} vx_page_kind;

/* The special area: what a page is. `node` is never reused; a pointer to a page also holds the node it expects. */
typedef struct vx_special {
	uint64_t node;
	uint8_t kind;
	uint8_t version;
	uint16_t level;       /* 0 leaf and below, 1 parent of leaves, ... */
	uint16_t entry_bytes; /* of one entry (code, raw, list), one block of 16 (inner, leaf), or all (meta, mean) */
	uint16_t page_id;
} vx_special;

typedef enum vx_metric { VX_L2 = 1, VX_COSINE = 2, VX_IP = 3 } vx_metric;
typedef enum vx_tree_kind { VX_TREE_KMEANS = 1 } vx_tree_kind;

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
	uint64_t epoch;    /* changes when mean, rotation or shape change: a cached copy with another epoch is stale */
	uint64_t next_node;
	uint64_t root_node;
	uint32_t root;      /* first page of the root node, VX_NO_BLOCK without a tree */
	uint32_t mean;      /* VX_KIND_MEAN page, VX_NO_BLOCK without a tree */
	uint32_t raw;       /* head of the raw run; always there */
	uint32_t wild;      /* head of the list of rows that no code can hold (huge or tiny values) */
	uint32_t late;      /* head of the list of rows without a distance (NULL, zero under cosine) */
	uint32_t code_tail; /* code page that inserts fill, VX_NO_BLOCK at first */
	uint32_t leaves;    /* as of the last build */
	uint32_t leaf_size; /* rows a leaf is meant to hold */
	uint64_t rows;      /* as of the last build or vacuum, all lists included */
	double spread;      /* root mean square distance of the trained rows to the mean */
	double local_dim;   /* number of directions in which near rows lie (participation ratio), 0: unknown */
	uint64_t reserved[7];
} vx_meta;

/* A chain's page header: chains have a fixed head; head.next is the newest page, the only other one with room. */
typedef struct vx_chain_header {
	uint32_t next;
	uint16_t count; /* entries on this page, dead ones included */
	uint16_t dead;  /* of these, entries whose row pointer was removed */
} vx_chain_header;

/* Row pointer with flags, first in every entry of code, raw and list pages. */
typedef struct vx_row {
	uint32_t block;
	uint16_t offset;
	uint16_t flags; /* VX_ROW_* */
} vx_row;

#define VX_ROW_DEAD 1u /* removed by VACUUM: skip */
#define VX_ROW_NULL 2u /* list page: the vector is NULL (else its distance is NaN) */

/* Code page: vx_chain_header at 24, then entries of vx_code_stride(dim) bytes from 32. */
typedef struct vx_code_entry {
	vx_row row;
	float scale; /* y ~ scale * code */
	float error; /* |y - scale * code|, rounded up */
	int8_t code[];
} vx_code_entry;

/* Raw page: vx_chain_header at 24, then entries of vx_raw_stride(dim) bytes from 32; vectors as they are in the table.
 */
typedef struct vx_raw_entry {
	vx_row row;
	float x[];
} vx_raw_entry;

static inline uint32_t vx_code_stride(uint32_t dim) {
	return 16u + ((dim + 3u) & ~3u);
}
static inline uint32_t vx_codes_per_page(uint32_t dim) {
	return (VX_SPECIAL_OFFSET - VX_ENTRIES_OFFSET) / vx_code_stride(dim);
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

/* Leaf page header at 24. */
typedef struct vx_leaf_header {
	vx_chain_header chain;
	float unit;  /* a length > 0: add is stored as add / unit^2, mul as mul / unit (see pack_factors) */
	float error; /* mean error factor of the entries: lower = est - eps * error * sqrt(min(|q-c|^2, rho^2)) */
	uint32_t reserved[6];
} vx_leaf_header;

/* A leaf block: vx_scan_rows code rows, then add (16 x f16), mul (16 x f16), ref (16 x u32). */
static inline uint32_t vx_scan_rows(uint32_t dim, uint32_t bits) {
	uint32_t per_row = 4u * (8u / bits);
	return (dim + per_row - 1u) / per_row;
}
static inline uint32_t vx_leaf_block_bytes(uint32_t dim, uint32_t bits) {
	return (vx_scan_rows(dim, bits) + 2u) * VX_ROW_BYTES;
}
static inline uint32_t vx_leaf_blocks_per_page(uint32_t dim, uint32_t bits) {
	return (VX_SPECIAL_OFFSET - VX_BLOCKS_OFFSET) / vx_leaf_block_bytes(dim, bits);
}
static inline uint32_t vx_leaf_capacity(uint32_t dim, uint32_t bits) {
	return vx_leaf_blocks_per_page(dim, bits) * VX_LANES;
}

/*
 * Inner page header at 24. A node is a run of pages linked by `next`; its blocks are one stream of 64-byte rows, 126 a
 * page, so a block may continue on the next page and any dimension fits.
 */
typedef struct vx_inner_header {
	uint32_t next;
	uint32_t children;  /* of the whole node; the same on each of its pages */
	uint32_t first_row; /* ordinal in the node's stream of this page's first row */
	uint32_t reserved[7];
} vx_inner_header;

/* An inner block: vx_quads(dim) rows of centroid bytes (code + 128), then these rows of 16 values each. */
typedef enum vx_inner_row {
	VX_CHILD_SCALE = 0, /* f32: centroid ~ scale * code; exactly that is the centroid */
	VX_CHILD_NORM,      /* f32: |centroid|^2, the extra coordinate of inner product included */
	VX_CHILD_RADIUS,    /* f32: no row below is farther from the centroid, rounded up */
	VX_CHILD_SPREAD,  /* f32: parent of leaves: rms distance of its rows; above: largest distance of a leaf centroid */
	VX_CHILD_AUX,     /* f32: inner product: the centroid's extra coordinate (mean of 2|x|); else 0 */
	VX_CHILD_ROWS,    /* u32: rows below when the node was written */
	VX_CHILD_BLOCK,   /* u32: first page */
	VX_CHILD_NODE_LO, /* u32: node id, low and high half */
	VX_CHILD_NODE_HI,
	VX_CHILD_FIELDS
} vx_inner_row;

static inline uint32_t vx_quads(uint32_t dim) {
	return (dim + 3u) / 4u;
}
static inline uint32_t vx_inner_block_rows(uint32_t dim) {
	return vx_quads(dim) + (uint32_t)VX_CHILD_FIELDS;
}

/* Mean page: float32[dim] from VX_BLOCKS_OFFSET. */

#endif
