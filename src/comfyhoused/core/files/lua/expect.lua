#!lua flags=allow-oom
-- An object is about to be written: unless a record for it follows in time, it is removed again.
-- Where the record exists it is returned: the object was kept before. ARGV: file id, object key,
-- grace ms
if redis.call('EXISTS', key_of(ARGV[1])) == 1 then return redis.call('HGETALL', key_of(ARGV[1])) end
redis.call('ZADD', DOOMED, now_ms() + tonumber(ARGV[3]), ARGV[2])
return nil
