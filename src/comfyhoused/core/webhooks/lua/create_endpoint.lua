-- Make an endpoint unless its owner has enough of them. ARGV: id, owner, most, then field, value, …
local id, owner = ARGV[1], ARGV[2]
if redis.call('ZCARD', endpoints_of(owner)) >= tonumber(ARGV[3]) then return 'enough' end
local now = now_ms()
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', endpoint_of(id), 'schema', 1, 'id', id, 'owner', owner, 'created_at', now,
  'enabled', 1, 'disabled_reason', '', 'failures', 0, unpack(fields))
redis.call('ZADD', endpoints_of(owner), now, id)
return 'created'
