-- An object is about to be written: unless a record for it follows in time, it is removed again.
-- Where the record exists the object is written anew, and stays. ARGV: file id, object key, grace ms
if redis.call('EXISTS', key_of(ARGV[1])) == 1 then return 0 end
redis.call('ZADD', DOOMED, now_ms() + tonumber(ARGV[3]), ARGV[2])
return 1
