#!lua flags=allow-oom
-- Take deliveries that are due. ARGV: pool, most, lease ms, most at once in a lane,
--       failures after which a lane is only tried by one delivery at a time,
--       tries after which a delivery is given up whose every taker died or met a fault of ours
-- Returns for each: the delivery, its event, its endpoint ({} for an address of its own) and the
-- failures of its lane. While it is in somebody's hands it is due when the lease ends: a worker
-- that dies loses nothing.
local pool, most, now = ARGV[1], tonumber(ARGV[2]), now_ms()
local taken = {}

local function end_all(lane, reason)
  for _, id in ipairs(redis.call('ZRANGE', line_of(lane), 0, 99)) do
    local lease = tonumber(redis.call('ZSCORE', hands_of(lane), id) or '0')
    if lease <= now then close_delivery(id, 'canceled', reason, now) end
  end
end

local function find_closure(lane)
  if string.sub(lane, 1, 4) == 'url:' then return nil end
  local enabled = redis.call('HGET', endpoint_of(lane), 'enabled')
  if not enabled then return 'endpoint_deleted' end
  if enabled ~= '1' then return 'endpoint_disabled' end
end

local function take(lane, id, failures)
  local d = redis.call('HMGET', delivery_of(id), 'event', 'endpoint', 'tries')
  if not d[1] then
    redis.call('ZREM', line_of(lane), id)
    return
  elseif tonumber(d[3]) >= tonumber(ARGV[6]) then
    close_delivery(id, 'failed', 'broken', now)
    return
  end
  redis.call('HINCRBY', delivery_of(id), 'fence', 1)
  redis.call('HINCRBY', delivery_of(id), 'tries', 1)
  redis.call('HINCRBY', delivery_of(id), 'attempts', 1)
  redis.call('ZADD', line_of(lane), now + tonumber(ARGV[3]), id)
  redis.call('ZADD', hands_of(lane), now + tonumber(ARGV[3]), id)
  local endpoint = d[2] ~= '' and redis.call('HGETALL', endpoint_of(d[2])) or {}
  taken[#taken + 1] = { redis.call('HGETALL', delivery_of(id)), redis.call('HGETALL', event_of(d[1])),
    endpoint, failures }
end

local function look(lane)
  local closure = find_closure(lane)
  if closure then
    end_all(lane, closure)
    return touch(lane, 0)
  end
  redis.call('ZREMRANGEBYSCORE', hands_of(lane), '-inf', now)
  local failures = tonumber(redis.call('HGET', state_of(lane), 'failures') or '0')
  local cap = failures >= tonumber(ARGV[5]) and 1 or tonumber(ARGV[4])
  local room = math.min(cap - redis.call('ZCARD', hands_of(lane)), most - #taken)
  if room > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', line_of(lane), '-inf', now, 'LIMIT', 0, room)) do
      take(lane, id, failures)
    end
  end
  -- Served lanes go behind those that were not; a full one rests until a hand is free.
  local not_before = now
  if redis.call('ZCARD', hands_of(lane)) >= cap then
    not_before = tonumber(redis.call('ZRANGE', hands_of(lane), 0, 0, 'WITHSCORES')[2])
  end
  touch(lane, not_before)
end

for _, lane in ipairs(redis.call('ZRANGEBYSCORE', lanes_of(pool), '-inf', now, 'LIMIT', 0, 50)) do
  if #taken >= most then break end
  look(lane)
end
return taken
