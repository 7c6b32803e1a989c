-- Installs the vector type with its functions, operators, casts, aggregates and operator classes, then the access
-- method. Relocatable: nothing here or in the functions (all in C) depends on a schema's name or on search_path.

\echo Use "CREATE EXTENSION vecidx" to load this file. \quit

-- ---- the type -------------------------------------------------------------------------------------------------

CREATE TYPE vector;

CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_in(cstring, oid, integer) IS 'I/O';

CREATE FUNCTION vector_out(vector) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vecidx_vector_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_out(vector) IS 'I/O';

CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vecidx_vector_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_in(cstring[]) IS 'I/O typmod';

CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_recv(internal, oid, integer) IS 'I/O';

CREATE FUNCTION vector_send(vector) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vecidx_vector_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_send(vector) IS 'I/O';

CREATE FUNCTION vector_subscript(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'vecidx_vector_subscript' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_subscript(internal) IS 'subscripting: v[i]';

CREATE FUNCTION vector_typanalyze(internal) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_typanalyze' LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typanalyze(internal) IS 'ANALYZE: the usual statistics, and some of the vectors';

-- External storage: floats do not compress, trying would only cost time.
CREATE TYPE vector (
    INPUT = vector_in,
    OUTPUT = vector_out,
    TYPMOD_IN = vector_typmod_in,
    RECEIVE = vector_recv,
    SEND = vector_send,
    SUBSCRIPT = vector_subscript,
    ANALYZE = vector_typanalyze,
    STORAGE = external
);
COMMENT ON TYPE vector IS 'vector of up to 16000 finite real numbers: [1,2,3]';

-- ---- functions ------------------------------------------------------------------------------------------------

CREATE FUNCTION l2_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_distance(vector, vector) IS 'Euclidean (L2) distance';

CREATE FUNCTION inner_product(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION inner_product(vector, vector) IS 'inner product';

CREATE FUNCTION cosine_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS 'cosine distance: 1 - cosine similarity';

CREATE FUNCTION l1_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l1_distance(vector, vector) IS 'taxicab (L1) distance';

CREATE FUNCTION linf_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_linf_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION linf_distance(vector, vector) IS 'Chebyshev (L-infinity) distance: largest difference of two elements';

CREATE FUNCTION vector_dims(vector) RETURNS integer
    AS 'MODULE_PATHNAME', 'vecidx_vector_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS 'number of dimensions';

CREATE FUNCTION vector_norm(vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_vector_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_norm(vector) IS 'Euclidean norm';

CREATE FUNCTION l2_norm(vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_vector_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_norm(vector) IS 'Euclidean norm';

CREATE FUNCTION l2_normalize(vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_normalize(vector) IS 'vector of the same direction with Euclidean norm 1';

CREATE FUNCTION binary_quantize(vector) RETURNS bit
    AS 'MODULE_PATHNAME', 'vecidx_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION binary_quantize(vector) IS 'one bit per element: set where it is greater than 0';

CREATE FUNCTION subvector(vector, start integer, count integer) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS 'elements start to start + count - 1, counted from 1';

-- ---- functions behind operators, operator classes and aggregates -----------------------------------------------

CREATE FUNCTION vector_l2_squared_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_vector_l2_squared_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_l2_squared_distance(vector, vector) IS 'square of the Euclidean distance';

CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_vector_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS 'implementation of <#> operator';

CREATE FUNCTION vector_spherical_distance(vector, vector) RETURNS double precision
    AS 'MODULE_PATHNAME', 'vecidx_vector_spherical_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_spherical_distance(vector, vector) IS 'angle between two unit vectors, as a part of a half turn';

CREATE FUNCTION vector_add(vector, vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_add(vector, vector) IS 'implementation of + operator';

CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_sub' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_sub(vector, vector) IS 'implementation of - operator';

CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_mul' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_mul(vector, vector) IS 'implementation of * operator';

CREATE FUNCTION vector_mul_float8(vector, double precision) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_mul_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_mul_float8(vector, double precision) IS 'implementation of * operator';

CREATE FUNCTION float8_mul_vector(double precision, vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_float8_mul_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION float8_mul_vector(double precision, vector) IS 'implementation of * operator';

CREATE FUNCTION vector_neg(vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_neg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_neg(vector) IS 'implementation of - operator';

CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_concat(vector, vector) IS 'implementation of || operator';

CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_lt(vector, vector) IS 'implementation of < operator';

CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_le(vector, vector) IS 'implementation of <= operator';

CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_eq(vector, vector) IS 'implementation of = operator';

CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ne(vector, vector) IS 'implementation of <> operator';

CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ge(vector, vector) IS 'implementation of >= operator';

CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_gt(vector, vector) IS 'implementation of > operator';

CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
    AS 'MODULE_PATHNAME', 'vecidx_vector_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_cmp(vector, vector) IS 'less-equal-greater';

CREATE FUNCTION vector_hash(vector) RETURNS integer
    AS 'MODULE_PATHNAME', 'vecidx_vector_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_hash(vector) IS 'hash';

CREATE FUNCTION vector_hash_extended(vector, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'vecidx_vector_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_hash_extended(vector, bigint) IS 'hash';

CREATE FUNCTION vector_accum(double precision[], vector) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vecidx_vector_accum' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_accum(double precision[], vector) IS 'aggregate transition function';

CREATE FUNCTION vector_combine(double precision[], double precision[]) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'vecidx_vector_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_combine(double precision[], double precision[]) IS 'aggregate combine function';

CREATE FUNCTION vector_avg(double precision[]) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector_avg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_avg(double precision[]) IS 'aggregate final function';

-- ---- casts ----------------------------------------------------------------------------------------------------

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector(vector, integer, boolean) IS 'adjust vector() to typmod';

CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION array_to_vector(integer[], integer, boolean) IS 'convert integer[] to vector';

CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION array_to_vector(real[], integer, boolean) IS 'convert real[] to vector';

CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION array_to_vector(double precision[], integer, boolean) IS 'convert double precision[] to vector';

CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
    AS 'MODULE_PATHNAME', 'vecidx_array_to_vector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION array_to_vector(numeric[], integer, boolean) IS 'convert numeric[] to vector';

CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
    AS 'MODULE_PATHNAME', 'vecidx_vector_to_float4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_to_float4(vector, integer, boolean) IS 'convert vector to real[]';

CREATE CAST (vector AS vector)
    WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS vector) IS 'checks the number of dimensions';

CREATE CAST (vector AS real[])
    WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS real[]) IS 'elements as an array';

CREATE CAST (integer[] AS vector)
    WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS vector) IS 'array of one dimension without nulls as a vector';

CREATE CAST (real[] AS vector)
    WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS vector) IS 'array of one dimension without nulls as a vector';

CREATE CAST (double precision[] AS vector)
    WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS vector) IS 'array of one dimension without nulls as a vector';

CREATE CAST (numeric[] AS vector)
    WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS vector) IS 'array of one dimension without nulls as a vector';

-- ---- operators ------------------------------------------------------------------------------------------------

CREATE OPERATOR <-> (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = l2_distance,
    COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS 'Euclidean (L2) distance';

CREATE OPERATOR <#> (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_negative_inner_product,
    COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS 'negative inner product';

CREATE OPERATOR <=> (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = cosine_distance,
    COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS 'cosine distance';

CREATE OPERATOR <+> (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = l1_distance,
    COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS 'taxicab (L1) distance';

CREATE OPERATOR + (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_add,
    COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS 'element-wise sum';

CREATE OPERATOR - (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_sub
);
COMMENT ON OPERATOR - (vector, vector) IS 'element-wise difference';

CREATE OPERATOR * (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_mul,
    COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS 'element-wise product';

CREATE OPERATOR * (
    LEFTARG = vector, RIGHTARG = double precision, FUNCTION = vector_mul_float8,
    COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, double precision) IS 'multiple of a vector';

CREATE OPERATOR * (
    LEFTARG = double precision, RIGHTARG = vector, FUNCTION = float8_mul_vector,
    COMMUTATOR = *
);
COMMENT ON OPERATOR * (double precision, vector) IS 'multiple of a vector';

CREATE OPERATOR - (
    RIGHTARG = vector, FUNCTION = vector_neg
);
COMMENT ON OPERATOR - (NONE, vector) IS 'negate';

CREATE OPERATOR || (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_concat
);
COMMENT ON OPERATOR || (vector, vector) IS 'concatenate';

CREATE OPERATOR < (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (vector, vector) IS 'less than';

CREATE OPERATOR <= (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (vector, vector) IS 'less than or equal';

CREATE OPERATOR = (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel,
    HASHES, MERGES
);
COMMENT ON OPERATOR = (vector, vector) IS 'equal';

CREATE OPERATOR <> (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR <> (vector, vector) IS 'not equal';

CREATE OPERATOR >= (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (vector, vector) IS 'greater than or equal';

CREATE OPERATOR > (
    LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (vector, vector) IS 'greater than';

-- ---- balls: what a condition on a distance is compared with ------------------------------------------------------

CREATE TYPE vector_ball;

CREATE FUNCTION vector_ball_in(cstring) RETURNS vector_ball
    AS 'MODULE_PATHNAME', 'vecidx_vector_ball_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ball_in(cstring) IS 'I/O';

CREATE FUNCTION vector_ball_out(vector_ball) RETURNS cstring
    AS 'MODULE_PATHNAME', 'vecidx_vector_ball_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ball_out(vector_ball) IS 'I/O';

CREATE FUNCTION vector_ball_recv(internal) RETURNS vector_ball
    AS 'MODULE_PATHNAME', 'vecidx_vector_ball_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ball_recv(internal) IS 'I/O';

CREATE FUNCTION vector_ball_send(vector_ball) RETURNS bytea
    AS 'MODULE_PATHNAME', 'vecidx_vector_ball_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ball_send(vector_ball) IS 'I/O';

CREATE TYPE vector_ball (
    INPUT = vector_ball_in,
    OUTPUT = vector_ball_out,
    RECEIVE = vector_ball_recv,
    SEND = vector_ball_send,
    ALIGNMENT = double,
    STORAGE = external
);
COMMENT ON TYPE vector_ball IS 'all vectors within a radius of a center: <[1,2,3],0.5>';

CREATE FUNCTION vector_ball(center vector, radius double precision) RETURNS vector_ball
    AS 'MODULE_PATHNAME', 'vecidx_vector_ball' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ball(vector, double precision) IS 'ball of a center and a radius';

CREATE FUNCTION vecidx_within_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_within_support(internal) IS 'planner support for l2_within and the like';

CREATE FUNCTION vecidx_within_sel(internal, oid, internal, integer) RETURNS double precision
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_within_sel(internal, oid, internal, integer) IS
    'restriction selectivity of operators on balls';

CREATE FUNCTION vecidx_within_join_sel(internal, oid, internal, smallint, internal) RETURNS double precision
    AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_within_join_sel(internal, oid, internal, smallint, internal) IS
    'join selectivity of operators on balls';

CREATE FUNCTION l2_within(a vector, b vector, radius double precision) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_l2_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
    SUPPORT vecidx_within_support;
COMMENT ON FUNCTION l2_within(vector, vector, double precision) IS 'is the Euclidean (L2) distance at most the radius?';

CREATE FUNCTION cosine_within(a vector, b vector, radius double precision) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_cosine_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
    SUPPORT vecidx_within_support;
COMMENT ON FUNCTION cosine_within(vector, vector, double precision) IS 'is the cosine distance at most the radius?';

CREATE FUNCTION ip_within(a vector, b vector, radius double precision) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_ip_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
    SUPPORT vecidx_within_support;
COMMENT ON FUNCTION ip_within(vector, vector, double precision) IS 'is the negative inner product at most the radius?';

CREATE FUNCTION l1_within(a vector, b vector, radius double precision) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_l1_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
    SUPPORT vecidx_within_support;
COMMENT ON FUNCTION l1_within(vector, vector, double precision) IS 'is the taxicab (L1) distance at most the radius?';

CREATE FUNCTION vector_l2_in_ball(vector, vector_ball) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_l2_in_ball' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_l2_in_ball(vector, vector_ball) IS 'implementation of @<-> operator';

CREATE OPERATOR @<-> (
    LEFTARG = vector, RIGHTARG = vector_ball, FUNCTION = vector_l2_in_ball,
    RESTRICT = vecidx_within_sel, JOIN = vecidx_within_join_sel
);
COMMENT ON OPERATOR @<-> (vector, vector_ball) IS 'is the Euclidean (L2) distance to the center at most the radius?';

CREATE FUNCTION vector_cosine_in_ball(vector, vector_ball) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_cosine_in_ball' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_cosine_in_ball(vector, vector_ball) IS 'implementation of @<=> operator';

CREATE OPERATOR @<=> (
    LEFTARG = vector, RIGHTARG = vector_ball, FUNCTION = vector_cosine_in_ball,
    RESTRICT = vecidx_within_sel, JOIN = vecidx_within_join_sel
);
COMMENT ON OPERATOR @<=> (vector, vector_ball) IS 'is the cosine distance to the center at most the radius?';

CREATE FUNCTION vector_ip_in_ball(vector, vector_ball) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_ip_in_ball' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_ip_in_ball(vector, vector_ball) IS 'implementation of @<#> operator';

CREATE OPERATOR @<#> (
    LEFTARG = vector, RIGHTARG = vector_ball, FUNCTION = vector_ip_in_ball,
    RESTRICT = vecidx_within_sel, JOIN = vecidx_within_join_sel
);
COMMENT ON OPERATOR @<#> (vector, vector_ball) IS 'is the negative inner product to the center at most the radius?';

CREATE FUNCTION vector_l1_in_ball(vector, vector_ball) RETURNS boolean
    AS 'MODULE_PATHNAME', 'vecidx_vector_l1_in_ball' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_l1_in_ball(vector, vector_ball) IS 'implementation of @<+> operator';

CREATE OPERATOR @<+> (
    LEFTARG = vector, RIGHTARG = vector_ball, FUNCTION = vector_l1_in_ball,
    RESTRICT = vecidx_within_sel, JOIN = vecidx_within_join_sel
);
COMMENT ON OPERATOR @<+> (vector, vector_ball) IS 'is the taxicab (L1) distance to the center at most the radius?';

-- ---- aggregates -----------------------------------------------------------------------------------------------

CREATE AGGREGATE avg(vector) (
    SFUNC = vector_accum,
    STYPE = double precision[],
    FINALFUNC = vector_avg,
    COMBINEFUNC = vector_combine,
    INITCOND = '{0}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS 'the element-wise average (arithmetic mean) of all non-null input vectors';

CREATE AGGREGATE sum(vector) (
    SFUNC = vector_add,
    STYPE = vector,
    COMBINEFUNC = vector_add,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS 'the element-wise sum of all non-null input vectors';

-- ---- operator classes of core access methods --------------------------------------------------------------------

-- No equalimage support function: 0 and -0 are equal and look different.
CREATE OPERATOR CLASS vector_ops DEFAULT FOR TYPE vector USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 vector_cmp(vector, vector);
COMMENT ON OPERATOR CLASS vector_ops USING btree IS 'lexicographic order of vectors, for sorting and uniqueness';
COMMENT ON OPERATOR FAMILY vector_ops USING btree IS 'lexicographic order of vectors, for sorting and uniqueness';

CREATE OPERATOR CLASS vector_ops DEFAULT FOR TYPE vector USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 vector_hash(vector),
    FUNCTION 2 vector_hash_extended(vector, bigint);
COMMENT ON OPERATOR CLASS vector_ops USING hash IS 'equality of vectors, for hashing';
COMMENT ON OPERATOR FAMILY vector_ops USING hash IS 'equality of vectors, for hashing';

-- ---- the access method --------------------------------------------------------------------------------------------

CREATE FUNCTION vecidx_handler(internal) RETURNS index_am_handler
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION vecidx_handler(internal) IS 'handler of the vecidx index access method';

CREATE ACCESS METHOD vecidx TYPE INDEX HANDLER vecidx_handler;
COMMENT ON ACCESS METHOD vecidx IS 'nearest-neighbour index access method';

CREATE FUNCTION vecidx_metric_l2() RETURNS integer
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_metric_l2() IS 'vecidx support: the ordering operator is Euclidean distance';

CREATE FUNCTION vecidx_metric_cosine() RETURNS integer
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_metric_cosine() IS 'vecidx support: the ordering operator is cosine distance';

CREATE FUNCTION vecidx_metric_ip() RETURNS integer
    AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vecidx_metric_ip() IS 'vecidx support: the ordering operator is the negative inner product';

CREATE OPERATOR CLASS vector_l2_ops DEFAULT FOR TYPE vector USING vecidx AS
    OPERATOR 1 <-> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 2 @<-> (vector, vector_ball),
    FUNCTION 1 vecidx_metric_l2(),
    FUNCTION 2 vector_ball(vector, double precision);
COMMENT ON OPERATOR CLASS vector_l2_ops USING vecidx IS 'nearest vectors by Euclidean distance';
COMMENT ON OPERATOR FAMILY vector_l2_ops USING vecidx IS 'nearest vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <=> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 2 @<=> (vector, vector_ball),
    FUNCTION 1 vecidx_metric_cosine(),
    FUNCTION 2 vector_ball(vector, double precision);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING vecidx IS 'nearest vectors by cosine distance';
COMMENT ON OPERATOR FAMILY vector_cosine_ops USING vecidx IS 'nearest vectors by cosine distance';

CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING vecidx AS
    OPERATOR 1 <#> (vector, vector) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 2 @<#> (vector, vector_ball),
    FUNCTION 1 vecidx_metric_ip(),
    FUNCTION 2 vector_ball(vector, double precision);
COMMENT ON OPERATOR CLASS vector_ip_ops USING vecidx IS 'vectors with the largest inner product';
COMMENT ON OPERATOR FAMILY vector_ip_ops USING vecidx IS 'vectors with the largest inner product';

CREATE FUNCTION vecidx_check(index regclass, heapallindexed boolean DEFAULT false) RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecidx_check(regclass, boolean) IS
    'verify the structure of a vecidx index, and that it holds every row of its table';
-- It reads everything and keeps writers out meanwhile.
REVOKE ALL ON FUNCTION vecidx_check(regclass, boolean) FROM PUBLIC;

CREATE FUNCTION vecidx_calibrate(index regclass) RETURNS integer
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION vecidx_calibrate(regclass) IS
    'measure, with rows of the index, how much work gives which recall';
CREATE FUNCTION vecidx_calibrate(index regclass, queries vector[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'vecidx_calibrate_queries' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION vecidx_calibrate(regclass, vector[]) IS
    'measure, with these queries, how much work gives which recall: for vecidx.calibration = queries';
CREATE FUNCTION vecidx_calibration(
    index regclass,
    OUT by text, OUT k integer, OUT recall double precision, OUT effort real, OUT found real, OUT leaves real,
    OUT entries real, OUT queries integer
) RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecidx_calibration(regclass) IS
    'how much work of a vecidx index gives which recall, as it was measured last';

CREATE FUNCTION vecidx_info(
    index regclass,
    OUT format_version integer, OUT dimensions integer, OUT metric text, OUT tree text,
    OUT levels integer, OUT leaves integer, OUT leaf_size integer, OUT scan_bits integer, OUT seed bigint,
    OUT rows bigint, OUT dead_rows bigint, OUT pages bigint,
    OUT inner_pages bigint, OUT leaf_pages bigint, OUT code_pages bigint, OUT raw_pages bigint, OUT list_pages bigint,
    OUT unused_pages bigint, OUT bytes_per_row double precision, OUT expected_entries bigint
)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION vecidx_info(regclass) IS
    'what a vecidx index is made of, and how many entries a search for ten rows is expected to look at';

CREATE FUNCTION vecidx_last_scan(
    OUT index regclass, OUT recall double precision, OUT k bigint, OUT searches bigint, OUT passes bigint,
    OUT pages bigint, OUT inner_nodes bigint, OUT leaves bigint, OUT entries bigint, OUT refined bigint, OUT rows bigint
)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION vecidx_last_scan() IS
    'what the vecidx index scan of this session that began to search last has looked at, all its searches together';

CREATE FUNCTION vecidx_explain(query text, OUT finding text, OUT detail text, OUT rewritten text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 3;
COMMENT ON FUNCTION vecidx_explain(text) IS
    'whether a query uses a vecidx index, or why it does not and how to write it; the query is not executed';
