#!lua flags=allow-oom
-- Remove an owner's endpoint; what waits for it is ended by whoever looks at its lane next.
-- ARGV: id, owner
local id, owner = ARGV[1], ARGV[2]
if redis.call('HGET', endpoint_of(id), 'owner') ~= owner then return 'missing' end
redis.call('DEL', endpoint_of(id), state_of(id))
redis.call('ZREM', endpoints_of(owner), id)
redis.call('SREM', NOTICES, id)
touch(id, 0)
return 'deleted'
