#!lua flags=allow-oom
-- Write how one try went. ARGV: delivery, fence, outcome (delivered | retry | failed | canceled),
--       reason, delay ms of the next try, attempt (JSON), body, 1: slow, pause ms of the lane,
--       disable ('' | gone | failing?), most days of failing in ms, most silence between failures
--       in ms, fewest failures
-- `failing?` disables an endpoint that has failed all that time, in every try.
local MOST_LOGGED = 100  -- tries of a delivery: it can be replayed for ever
local STATE_SECONDS = 30 * 86400  -- customers choose the hosts of lanes: none is known for ever
local id, outcome, now = ARGV[1], ARGV[3], now_ms()
local d = redis.call('HMGET', delivery_of(id), 'fence', 'state', 'lane', 'endpoint', 'erased')
if d[1] ~= ARGV[2] or d[2] ~= 'pending' then return 'stale' end
local lane, endpoint = d[3], d[4]
if d[5] ~= '1' then
  redis.call('RPUSH', delivery_of(id) .. ':attempts', ARGV[6])
  redis.call('LTRIM', delivery_of(id) .. ':attempts', -MOST_LOGGED, -1)
  redis.call('HSET', delivery_of(id), 'body', ARGV[7])
end
if outcome == 'retry' then
  local due = now + tonumber(ARGV[5])
  redis.call('HSET', delivery_of(id), 'due_at', due)
  redis.call('ZADD', line_of(lane), due, id)
  redis.call('ZREM', hands_of(lane), id)
else
  close_delivery(id, outcome, ARGV[4], now)
end
local exists = endpoint == '' or redis.call('EXISTS', endpoint_of(endpoint)) == 1
if outcome == 'delivered' then
  redis.call('DEL', state_of(lane))
  if ARGV[8] == '1' then
    redis.call('HSET', state_of(lane), 'pool', 'slow')
    redis.call('EXPIRE', state_of(lane), STATE_SECONDS)
  end
  if endpoint ~= '' and exists then
    redis.call('HSET', endpoint_of(endpoint), 'delivered_at', now, 'failures', 0)
    redis.call('HDEL', endpoint_of(endpoint), 'failing_since')
  end
elseif outcome ~= 'canceled' and exists then
  redis.call('HINCRBY', state_of(lane), 'failures', 1)
  redis.call('HSET', state_of(lane), 'pool', 'slow', 'opens_at', now + tonumber(ARGV[9]))
  redis.call('EXPIRE', state_of(lane), STATE_SECONDS)
  if endpoint ~= '' then
    local e = redis.call('HMGET', endpoint_of(endpoint), 'failing_since', 'failed_at')
    local since = tonumber(e[1] or now)
    if now - tonumber(e[2] or '0') > tonumber(ARGV[12]) then since = now end
    local failures = redis.call('HINCRBY', endpoint_of(endpoint), 'failures', 1)
    redis.call('HSET', endpoint_of(endpoint), 'failed_at', now, 'failing_since', since)
    local is_hopeless = now - since >= tonumber(ARGV[11]) and failures >= tonumber(ARGV[13])
    if ARGV[10] == 'gone' or is_hopeless then
      redis.call('HSET', endpoint_of(endpoint), 'enabled', 0, 'disabled_at', now,
        'disabled_reason', ARGV[10] == 'gone' and 'gone' or 'failing')
      redis.call('SADD', NOTICES, endpoint)
    end
  end
end
touch(lane, 0)
return outcome
