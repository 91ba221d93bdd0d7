#!lua flags=allow-oom
-- Send a delivery again, now. ARGV: delivery, owner
local id, now = ARGV[1], now_ms()
local d = redis.call('HMGET', delivery_of(id), 'owner', 'endpoint', 'lane', 'state', 'erased')
if d[1] ~= ARGV[2] then return 'missing' end
if d[5] == '1' then return 'erased' end
if d[2] ~= '' and redis.call('HGET', endpoint_of(d[2]), 'enabled') ~= '1' then return 'disabled' end
revive(id, d[3], d[4], now)
return 'replayed'
