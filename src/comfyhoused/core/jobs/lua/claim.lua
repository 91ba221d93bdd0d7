#!lua flags=allow-oom
-- Take a slot of a backend and the best job for it: class, then fair turn, then warmth.
-- The job is still `queued` (staged); attempt, backend, client id and fence stand in the
-- record before anything is sent.
-- ARGV: modes (JSON list), backend, slots, worker, client id, lease ms, booked ms,
--       loaded models (JSON list), patience ms, jobs that have left their slot (JSON list)
local modes, backend = cjson.decode(ARGV[1]), ARGV[2]
for _, id in ipairs(cjson.decode(ARGV[10])) do
  local j = read(id, 'worker', 'mode', 'owner')
  if j[1] == ARGV[4] then
    redis.call('SREM', slots_of(backend), id)
    leave_cap(id, j[2], j[3])
  end
end
if redis.call('SCARD', slots_of(backend)) >= tonumber(ARGV[3]) then return nil end
local now = now_ms()
local warm = {}
for _, model in ipairs(cjson.decode(ARGV[8])) do warm[model] = true end

-- The owners whose turn is next; those who have as many jobs at work as they may are parked.
local function list_turns(mode, class)
  while true do
    local owners, parked = redis.call('ZRANGE', owners_of(mode, class), 0, 7), 0
    for _, owner in ipairs(owners) do
      if is_at_cap(owner) then
        park(mode, class, owner)
        parked = parked + 1
      end
    end
    if parked == 0 then return owners end
  end
end

local function find_in(mode, class)
  local owners = list_turns(mode, class)
  local fair, fair_owner
  for _, owner in ipairs(owners) do
    local id = redis.call('ZRANGE', line_of(mode, class, owner), 0, 0)[1]
    local j = id and read(id, 'model', 'passed_over_at')
    local is_warm = j and (next(warm) == nil or j[1] == '' or not j[1] or warm[j[1]])
    if not id then
      redis.call('ZREM', owners_of(mode, class), owner)
    elseif not fair then
      fair, fair_owner = id, owner
      local since = tonumber(j[2])
      if is_warm or (since and now - since > tonumber(ARGV[9])) then return id, owner end
    elseif is_warm then
      redis.call('HSETNX', key_of(fair), 'passed_over_at', now)
      return id, owner
    end
  end
  return fair, fair_owner
end

local function find_job()
  for _, mode in ipairs(modes) do
    for _, class in ipairs(redis.call('ZRANGE', classes_of(mode), 0, -1)) do
      local id, owner = find_in(mode, class)
      if id then return id, mode, class, owner end
    end
  end
end

local id, mode, class, owner = find_job()
if not id then return nil end
dequeue(id, mode, class, owner)
book_time(mode, class, owner, tonumber(ARGV[7]))
local attempt = redis.call('HINCRBY', key_of(id), 'attempt', 1)
local fence = redis.call('HINCRBY', key_of(id), 'fence', 1)
redis.call('HSET', key_of(id), 'backend', backend, 'client_id', ARGV[5], 'worker', ARGV[4],
  'assigned', 1, 'booked_ms', ARGV[7], 'assigned_at', now, 'started_at', '', 'submitted', 0)
redis.call('SADD', slots_of(backend), id)
redis.call('SADD', assigned_of(owner), id)
redis.call('ZADD', LEASES, now + tonumber(ARGV[6]), id)
redis.call('ZREM', DELAYED, id)
return { id, attempt, fence, redis.call('HGETALL', key_of(id)), redis.call('GET', key_of(id) .. ':spec') }
