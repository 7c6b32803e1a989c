-- The catalogs: each query but the last ones lists what is wrong, and finds nothing.
CREATE VIEW member AS SELECT classid, objid FROM pg_depend
  WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecidx');
CREATE VIEW member_proc AS SELECT p.* FROM pg_proc p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE VIEW member_operator AS
  SELECT o.* FROM pg_operator o JOIN member ON classid = 'pg_operator'::regclass AND objid = o.oid;
-- everything has a comment but the array types, which come by themselves
SELECT pg_describe_object(classid, objid, 0) FROM member
  WHERE NOT (classid = 'pg_type'::regclass AND objid IN (SELECT typarray FROM pg_type)) AND CASE WHEN classid = 'pg_am'::regclass THEN obj_description(objid, 'pg_am')
    ELSE obj_description(objid, classid::regclass::name) END IS NULL;
SELECT description FROM pg_extension e JOIN pg_description ON classoid = 'pg_extension'::regclass AND objoid = e.oid
  WHERE extname = 'vecidx';
-- functions on values are immutable, strict, parallel safe C functions of our library, and no more rights than others
SELECT oid::regprocedure FROM member_proc WHERE prokind = 'f' AND 'vector'::regtype = ANY (proargtypes || ARRAY[prorettype])
  AND (provolatile <> 'i' OR NOT proisstrict OR proparallel <> 's' OR prosecdef OR proleakproof);
SELECT oid::regprocedure FROM member_proc WHERE prokind = 'f'
  AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'c')
  AND (probin <> '$libdir/vecidx' OR prosrc NOT LIKE 'vecidx\_%' OR proconfig IS NOT NULL);
SELECT oid::regprocedure FROM member_proc WHERE prokind = 'a' AND proparallel <> 's';
-- two SQL names of one C function have the same kind of result; distances cost more than a comparison of numbers
SELECT prosrc FROM member_proc WHERE prokind = 'f' GROUP BY prosrc HAVING count(DISTINCT prorettype) > 1;
SELECT oid::regprocedure FROM member_proc WHERE proname LIKE '%distance' AND procost <= 1;
-- operators: a function of these types, commutators and negators that agree, estimators where a boolean
SELECT oid::regoperator FROM member_operator o WHERE oprcode = 0 OR oprresult = 0
  OR NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = oprcode AND prorettype = oprresult AND proretset = false
    AND proargtypes::text = concat_ws(' ', nullif(oprleft, 0), oprright));
SELECT o.oid::regoperator FROM member_operator o LEFT JOIN pg_operator c ON c.oid = o.oprcom
  WHERE o.oprcom <> 0 AND (c.oprcom IS DISTINCT FROM o.oid OR c.oprleft <> o.oprright OR c.oprright <> o.oprleft
    OR c.oprresult <> o.oprresult);
SELECT o.oid::regoperator FROM member_operator o LEFT JOIN pg_operator n ON n.oid = o.oprnegate
  WHERE o.oprnegate <> 0 AND (n.oprnegate IS DISTINCT FROM o.oid OR n.oprleft <> o.oprleft OR n.oprright <> o.oprright
    OR o.oprresult <> 'boolean'::regtype OR n.oid = o.oid);
SELECT oid::regoperator FROM member_operator WHERE (oprresult = 'boolean'::regtype) <> (oprrest <> 0 AND oprjoin <> 0);
-- hash and merge joinable operators are equality of a hash and of a B-tree operator family
SELECT oid::regoperator FROM member_operator o WHERE oprcanhash <> EXISTS (SELECT FROM pg_amop JOIN pg_am a ON a.oid = amopmethod
    WHERE amopopr = o.oid AND amname = 'hash' AND amopstrategy = 1)
  OR oprcanmerge <> EXISTS (SELECT FROM pg_amop JOIN pg_am a ON a.oid = amopmethod
    WHERE amopopr = o.oid AND amname = 'btree' AND amopstrategy = 3);
-- operator classes pass their access method's own check
SELECT opcname, amname FROM pg_opclass c JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid
  JOIN pg_am a ON a.oid = opcmethod WHERE NOT amvalidate(c.oid);
-- nothing without an owner of its own in the dump: no shell operators or types, no loose objects
SELECT oid::regoperator FROM pg_operator WHERE oprcode = 0;
SELECT oid::regtype FROM pg_type WHERE NOT typisdefined;
SELECT oid::regprocedure FROM pg_proc p WHERE probin LIKE '%vecidx' AND oid NOT IN (SELECT oid FROM member_proc);
-- the surface
SELECT o.oid::regoperator, oprcode, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin, oprcanhash AS hash,
  oprcanmerge AS merge FROM member_operator o WHERE 'vector'::regtype IN (oprleft, oprright)
  ORDER BY oprname COLLATE "C", oprleft::regtype::text COLLATE "C", oprright::regtype::text COLLATE "C";
SELECT oid::regprocedure, prorettype::regtype, prosrc FROM member_proc
  WHERE prokind = 'f' AND ('vector'::regtype = ANY (proargtypes || ARRAY[prorettype]) OR proname LIKE 'vector%')
  ORDER BY oid::regprocedure::text COLLATE "C";
SELECT a.aggfnoid::regprocedure, aggtransfn, aggtranstype::regtype, aggfinalfn, aggcombinefn, agginitval
  FROM pg_aggregate a JOIN member_proc p ON p.oid = aggfnoid ORDER BY 1::text COLLATE "C";
SELECT typname, typlen, typbyval, typcategory, typdelim, typalign, typstorage, typcollation, typanalyze, typmodin, typmodout,
  typsubscript FROM pg_type WHERE oid = 'vector'::regtype;
DROP VIEW member_operator, member_proc, member;
