#!lua flags=allow-oom
-- The attempt is known to be over and another is due: back into the line, fence +1.
-- ARGV: id, fence, blame (1: the backend died while running it), delay ms, error of expiry
-- A canceled job is not tried again; one that has killed two backends is not either, nor
-- one that was never begun and has waited too long.
local id = ARGV[1]
if is_stale(id, ARGV[2]) then return 'stale' end
local now = now_ms()
local j = read(id, 'state', 'canceling', 'expires_at')
if j[2] == '1' then
  finish(id, 'canceled', now, { 'canceling', 1 })
  return 'canceled'
end
if ARGV[3] == '1' and redis.call('HINCRBY', key_of(id), 'deaths', 1) >= 2 then
  return 'poisonous'
end
-- A job that has begun once has no deadline, and does not expire any more.
if redis.call('ZSCORE', DEADLINES, id) and tonumber(j[3]) <= now then
  finish(id, 'expired', now, { 'error', ARGV[5] })
  return 'expired'
end
unassign(id, now)
redis.call('HINCRBY', key_of(id), 'fence', 1)
redis.call('HSET', key_of(id), 'state', 'queued', 'started_at', '', 'backend', '')
if tonumber(ARGV[4]) > 0 then
  redis.call('ZADD', DELAYED, now + tonumber(ARGV[4]), id)
else
  enqueue(id)
end
announce(id, 'job.queued', { state = 'queued', at = now, again = true })
return 'queued'
