-- The extension in other schemas: not on the search path, moved, beside objects of the same names, and dropped.
\set regression :DBNAME
CREATE DATABASE regression_vecidx_schema TEMPLATE template0;
\c regression_vecidx_schema
SET client_min_messages = warning;
CREATE SCHEMA elsewhere;
CREATE SCHEMA later;
-- what someone else may have put first on the path does not get into the extension
CREATE SCHEMA trap;
CREATE FUNCTION trap.vector_lt(a anyelement, b anyelement) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
CREATE FUNCTION trap.scalarltsel(internal, oid, internal, int) RETURNS float8 LANGUAGE internal AS 'scalargtsel';
CREATE DOMAIN trap.float8 AS pg_catalog.int4;
CREATE TYPE trap.vector AS (a int);
SET search_path = trap, public;
CREATE EXTENSION vecidx SCHEMA elsewhere;
SELECT count(*) > 40, bool_and(pronamespace = 'elsewhere'::regnamespace) FROM pg_proc WHERE probin = '$libdir/vecidx';
SELECT DISTINCT oprrest, oprjoin FROM pg_operator WHERE oprleft = 'elsewhere.vector'::regtype AND oprname = '<';
SELECT '[1,2]'::elsewhere.vector OPERATOR(elsewhere.<->) '[4,6]', elsewhere.vector_dims('[1]'),
  '[1,2]'::elsewhere.vector OPERATOR(elsewhere.<) '[1,3]', ('[1,2]'::elsewhere.vector)[2], '{1}'::int[]::elsewhere.vector(1);
CREATE TABLE public.kept (v elsewhere.vector(2));
INSERT INTO public.kept VALUES ('[3,4]'), ('[1,2]'), (NULL);
CREATE INDEX ON public.kept (v);
CREATE VIEW public.kept_view AS SELECT elsewhere.l2_norm(v) AS norm, v OPERATOR(elsewhere.*) 2 AS twice FROM public.kept, generate_series(1, 1);
SELECT elsewhere.avg(v), elsewhere.sum(v) FROM public.kept;
-- sorting and grouping find their operators through the operator class, not the path
SELECT v FROM public.kept GROUP BY v ORDER BY v;
ALTER EXTENSION vecidx SET SCHEMA later;
SELECT * FROM public.kept_view;
SELECT '[1,2]'::later.vector OPERATOR(later.<=>) '[2,4]', later.avg(v) FROM public.kept;
SELECT count(*) FROM pg_proc WHERE pronamespace = 'elsewhere'::regnamespace;
SELECT pg_get_viewdef('public.kept_view');
SET search_path = '';
SELECT v FROM public.kept ORDER BY v;
ANALYZE public.kept;
VACUUM FULL public.kept;
-- two of them do not fit in one database
CREATE EXTENSION vecidx SCHEMA elsewhere;
-- dropping it leaves nothing
DROP TABLE public.kept CASCADE;
DROP EXTENSION vecidx;
SELECT count(*) FROM pg_proc WHERE pronamespace IN ('later'::regnamespace, 'elsewhere'::regnamespace);
SELECT count(*) FROM pg_operator WHERE oprnamespace IN ('later'::regnamespace, 'elsewhere'::regnamespace);
SELECT count(*) FROM pg_type WHERE typnamespace IN ('later'::regnamespace, 'elsewhere'::regnamespace);
SELECT count(*) FROM pg_opclass WHERE opcnamespace IN ('later'::regnamespace, 'elsewhere'::regnamespace);
SELECT count(*) FROM pg_opfamily WHERE opfnamespace IN ('later'::regnamespace, 'elsewhere'::regnamespace);
-- an object in its way stops the script; nothing is replaced (18 adds the statement as context)
\set SHOW_CONTEXT never
SET search_path = public;
CREATE FUNCTION elsewhere.vector_typmod_in(cstring[]) RETURNS integer LANGUAGE internal AS 'bpchartypmodin';
CREATE EXTENSION vecidx SCHEMA elsewhere;
DROP FUNCTION elsewhere.vector_typmod_in;
-- trusted: the owner of a database may install it
CREATE ROLE regress_vecidx_owner;
ALTER DATABASE regression_vecidx_schema OWNER TO regress_vecidx_owner;
SET ROLE regress_vecidx_owner;
CREATE SCHEMA owned;
CREATE EXTENSION vecidx SCHEMA owned;
SELECT '[1,2]'::owned.vector OPERATOR(owned.<+>) '[3,4]';
DROP EXTENSION vecidx;
RESET ROLE;
\c :regression
DROP DATABASE regression_vecidx_schema;
DROP ROLE regress_vecidx_owner;
