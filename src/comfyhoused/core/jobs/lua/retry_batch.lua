-- Accept new jobs for items of a batch whose jobs were not delivered: all of these or none.
-- ARGV: batch id, owner, jobs (JSON list of item, old, id, record, units, terms, old_spec: what
--       the old job's request is from now on, '' unchanged)
-- An item that somebody else has retried meanwhile is left alone. Returns how many are tried again.
local batch, jobs = ARGV[1], cjson.decode(ARGV[3])
local b = redis.call('HMGET', batch_of(batch), 'owner', 'mode')
if b[1] ~= ARGV[2] then return { 'missing' } end
local chosen, units = {}, 0
for _, job in ipairs(jobs) do
  local state = read(job.old, 'state')[1]
  if redis.call('LINDEX', items_of(batch), job.item) == job.old and is_staged(job.id)
    and state and state ~= 'succeeded' and next(MOVES[state]) == nil then
    chosen[#chosen + 1] = job
    units = units + job.units
  end
end
if #chosen == 0 then return { 'retried', 0, 0 } end
local refusal = find_refusal(chosen[1].record, #chosen, units, chosen[1].terms)
if refusal then return refusal end

local now = now_ms()
for _, job in ipairs(chosen) do
  redis.call('LSET', items_of(batch), job.item, job.id)
  redis.call('RPUSH', past_of(batch), job.old)
  redis.call('SADD', open_of(batch), job.id)
  if job.old_spec ~= '' and redis.call('EXISTS', key_of(job.old) .. ':spec') == 1 then
    redis.call('SET', key_of(job.old) .. ':spec', job.old_spec)
  end
  accept(job.id, job.record, nil, job.units, job.terms, now)
end
redis.call('HSET', batch_of(batch), 'finished_at', '')
redis.call('HINCRBY', batch_of(batch), 'rounds', 1)
return { 'retried', #chosen, ring_once(b[2]) }
