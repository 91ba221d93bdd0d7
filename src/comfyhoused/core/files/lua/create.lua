#!lua flags=allow-oom
-- The object is written: keep it, with its record. Idempotent by id.
-- Returns the record, 'late', 'stale' or 'full:' and the most.
-- ARGV: id, object key, owner, keep ms (0: until deleted), job id, fence, most bytes of the
--       owner's files ('': no limit), bytes, then field, value, …
-- With a fence, only who drives the job may add to it: a worker that was asleep while
-- another took over leaves nothing (its object stays doomed; its successor may share it).
local id, key, owner, keep = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('EXISTS', key_of(id)) == 1 then return redis.call('HGETALL', key_of(id)) end
local now = now_ms()
local doom = tonumber(redis.call('ZSCORE', DOOMED, key) or '0')
if doom <= now then
  redis.call('ZADD', DOOMED, now, key)
  return 'late'
end
if ARGV[6] ~= '' then
  local job = redis.call('HMGET', P .. 'job:' .. ARGV[5], 'fence', 'assigned')
  if job[1] ~= ARGV[6] or job[2] ~= '1' then return 'stale' end
end
-- What a job has made is counted, but never thrown away for want of room.
local stored = (tonumber(redis.call('GET', stored_of(owner)) or '0')) + tonumber(ARGV[8])
if ARGV[7] ~= '' and stored > tonumber(ARGV[7]) then
  redis.call('ZADD', DOOMED, now, key)
  return 'full:' .. ARGV[7]
end
local fields = {}
for i = 9, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', key_of(id), 'schema', 1, 'id', id, 'owner', owner, 'key', key,
  'created_at', now, 'counted', ARGV[8], 'expires_at', keep > 0 and now + keep or '', unpack(fields))
redis.call('ZADD', files_of(owner), 0, entry_of(id, now))
if keep > 0 then redis.call('ZADD', EXPIRING, now + keep, id) end
redis.call('INCRBY', stored_of(owner), ARGV[8])
redis.call('ZREM', DOOMED, key)
return redis.call('HGETALL', key_of(id))
