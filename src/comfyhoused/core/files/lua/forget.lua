#!lua flags=allow-oom
-- Remove a record; its object is doomed from now on. ARGV: id, owner. Returns the object key.
local id = ARGV[1]
local f = redis.call('HMGET', key_of(id), 'owner', 'key', 'created_at')
if not f[1] or f[1] ~= ARGV[2] then return nil end
redis.call('ZADD', DOOMED, now_ms(), f[2])
redis.call('DEL', key_of(id))
redis.call('ZREM', files_of(f[1]), entry_of(id, tonumber(f[3])))
redis.call('ZREM', EXPIRING, id)
return f[2]
