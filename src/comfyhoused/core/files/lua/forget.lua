#!lua flags=allow-oom
-- Remove a record; its object is doomed from now on. ARGV: id, owner. Returns the object key.
local id = ARGV[1]
local f = redis.call('HMGET', key_of(id), 'owner', 'key', 'created_at', 'counted')
if not f[1] or f[1] ~= ARGV[2] then return nil end
redis.call('ZADD', DOOMED, now_ms(), f[2])
redis.call('DEL', key_of(id))
-- Records of before files were counted have no count to give back.
if f[4] and redis.call('DECRBY', stored_of(f[1]), f[4]) <= 0 then redis.call('DEL', stored_of(f[1])) end
redis.call('ZREM', files_of(f[1]), entry_of(id, tonumber(f[3])))
redis.call('ZREM', EXPIRING, id)
return f[2]
