#!lua flags=allow-oom
-- What time alone decides: waiting jobs expire, delayed ones come back. ARGV: most, error (JSON)
local now = now_ms()
local expired, woken = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  local j = read(id, 'state', 'assigned')
  if j[1] == 'queued' and j[2] ~= '1' then
    finish(id, 'expired', now, { 'error', ARGV[2] })
    expired = expired + 1
  elseif j[1] ~= 'queued' then
    redis.call('ZREM', DEADLINES, id)
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
  redis.call('ZREM', DELAYED, id)
  local j = read(id, 'state', 'assigned')
  if j[1] == 'queued' and j[2] ~= '1' then
    enqueue(id)
    woken = woken + 1
  end
end
return { expired, woken }
