-- Casts and operators of users that may be meant wherever one of the server's own stands: most
-- statements may run them, so they are there in some runs only.
CREATE OPERATOR <<< (FUNCTION = mood_lt, LEFTARG = mood, RIGHTARG = int);
CREATE OPERATOR < (FUNCTION = mood_lt, LEFTARG = mood, RIGHTARG = int);
CREATE OPERATOR <> (FUNCTION = mood_lt, LEFTARG = mood, RIGHTARG = int);
CREATE OPERATOR !~~ (FUNCTION = mood_lt, LEFTARG = mood, RIGHTARG = int);
CREATE FUNCTION json_int(json) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN public.purge(); END $$;
CREATE CAST (json AS int) WITH FUNCTION json_int(json) AS IMPLICIT;
DO $do$ DECLARE o text; BEGIN FOREACH o IN ARRAY '{lt <,le <=,eq =,ge >=,gt >}'::text[] LOOP EXECUTE format('CREATE FUNCTION tone_%s(tone, tone) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT enum_%1$s($1, $2)''', split_part(o, ' ', 1)); EXECUTE format('CREATE OPERATOR %s (FUNCTION = tone_%s, LEFTARG = tone, RIGHTARG = tone)', split_part(o, ' ', 2), split_part(o, ' ', 1)); END LOOP; END $do$;
CREATE OPERATOR CLASS tone_order DEFAULT FOR TYPE tone USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 tone_compare(tone, tone);
CREATE OPERATOR CLASS tone_hashes DEFAULT FOR TYPE tone USING hash AS OPERATOR 1 =, FUNCTION 1 tone_hash(tone);
