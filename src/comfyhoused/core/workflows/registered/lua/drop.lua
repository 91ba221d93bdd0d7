#!lua flags=allow-oom
-- Remove a workflow with all its versions. ARGV: owner, name. Returns whether there was one.
local key = key_of(ARGV[1], ARGV[2])
local size = redis.call('HGET', key, 'bytes')
if not size then return 0 end
redis.call('DECRBY', bytes_of(ARGV[1]), size)
redis.call('ZREM', names_of(ARGV[1]), ARGV[2])
redis.call('DEL', key)
return 1
