-- What goes before an owner's next job, by the rules of turns: each other owner of the class as
-- often as they have jobs, but not oftener than the owner; other classes by their weight.
-- ARGV: mode, class, owner, run kind, backends (JSON list)
-- Returns: jobs before it, jobs at the backends, usual run time of the kind and of all, ms ('': unknown)
local mode, mine, owner = ARGV[1], ARGV[2], ARGV[3]
local MOST_OWNERS = 200

local function count_waiting(class, most)
  local set = owners_of(mode, class)
  local owners = redis.call('ZRANGE', set, 0, MOST_OWNERS - 1)
  for _, one in ipairs(redis.call('SMEMBERS', parked_of(mode, class))) do owners[#owners + 1] = one end
  local count = 0
  for _, one in ipairs(owners) do
    if one ~= owner then count = count + math.min(most, redis.call('ZCARD', line_of(mode, class, one))) end
  end
  local all = redis.call('ZCARD', set)
  return all > MOST_OWNERS and count * all / MOST_OWNERS or count
end

local own = redis.call('ZCARD', line_of(mode, mine, owner))
local turns = own + count_waiting(mine, own + 1)
local before = turns
for class, weight in pairs(WEIGHTS) do
  if class ~= mine then
    local share = math.ceil((turns + 1) * weight / WEIGHTS[mine])
    before = before + math.min(share, count_waiting(class, share))
  end
end
local busy = 0
for _, backend in ipairs(cjson.decode(ARGV[5])) do
  busy = busy + redis.call('SCARD', slots_of(backend))
end
local times = redis.call('HMGET', P .. 'run_times', ARGV[4], '*')
return { math.floor(before), busy, times[1] or '', times[2] or '' }
