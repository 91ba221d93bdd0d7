#!lua flags=allow-oom
-- Take over jobs whose worker is gone: fence +1, same attempt, so that the prompt is found again.
-- ARGV: worker, lease ms, most, backends (JSON list), fleet (JSON list), grace ms: a job at a
-- backend that is not of the fleet any more is taken after so long
local now = now_ms()
local mine = {}
local fleet = {}
for _, backend in ipairs(cjson.decode(ARGV[4])) do mine[backend] = true end
for _, backend in ipairs(cjson.decode(ARGV[5])) do fleet[backend] = true end
local function is_homeless(id, backend)
  return not fleet[backend] and tonumber(redis.call('ZSCORE', LEASES, id)) < now - tonumber(ARGV[6])
end
local adopted = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))) do
  local j = read(id, 'assigned', 'backend')
  if j[1] ~= '1' then
    redis.call('ZREM', LEASES, id)
  elseif mine[j[2]] or is_homeless(id, j[2]) then
    redis.call('HINCRBY', key_of(id), 'fence', 1)
    redis.call('HSET', key_of(id), 'worker', ARGV[1])
    redis.call('ZADD', LEASES, now + tonumber(ARGV[2]), id)
    adopted[#adopted + 1] = id
  end
end
return adopted
