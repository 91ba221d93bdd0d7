-- Accept a batch: all its jobs or none. Their specs have been staged, each under its job's key.
-- ARGV: batch id, fields (JSON object), jobs (JSON list of id, record, units, terms),
--       idempotency key ('' for none), body digest
local batch, fields, jobs = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local owner = fields.owner
local idem = P .. 'idem:' .. owner .. ':' .. redis.sha1hex(ARGV[4])
if ARGV[4] ~= '' then
  local known = redis.call('HMGET', idem, 'digest', 'job')
  if known[1] then
    if known[1] ~= ARGV[5] then return { 'mismatch' } end
    return { 'replayed', known[2] }
  end
end
if redis.call('EXISTS', batch_of(batch)) == 1 then return { 'replayed', batch } end
local units = 0
for _, job in ipairs(jobs) do
  if not is_staged(job.id) then return { 'unstaged' } end
  units = units + job.units
end
local refusal = find_refusal(jobs[1].record, #jobs, units, jobs[1].terms)
if refusal then return refusal end

local now = now_ms()
redis.call('HSET', batch_of(batch), 'schema', 1, 'id', batch, 'created_at', now, 'finished_at', '',
  'total', #jobs, 'rounds', 0)
for name, value in pairs(fields) do redis.call('HSET', batch_of(batch), name, tostring(value)) end
redis.call('ZADD', P .. 'owner:' .. owner .. ':batches', redis.call('INCR', P .. 'seq'), batch)
for _, job in ipairs(jobs) do
  redis.call('RPUSH', items_of(batch), job.id)
  redis.call('SADD', open_of(batch), job.id)
  accept(job.id, job.record, nil, job.units, job.terms, now)
end
if ARGV[4] ~= '' then
  redis.call('HSET', idem, 'digest', ARGV[5], 'job', batch)
  redis.call('EXPIRE', idem, 86400)
end
return { 'admitted', batch, ring_once(fields.mode) }
