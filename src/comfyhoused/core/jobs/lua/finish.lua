#!lua flags=allow-oom
-- End an assigned job.
-- ARGV: id, fence, state, ran ms (0: not known), ids of its files (JSON list), then field, value, …
-- A cancellation that was accepted wins over a success that comes later: it is free.
local id, to = ARGV[1], ARGV[3]
if is_stale(id, ARGV[2]) then return 'stale' end
for _, file in ipairs(cjson.decode(ARGV[5])) do
  if redis.call('EXISTS', P .. 'file:' .. file) == 0 then return 'unkept' end
end
local j = read(id, 'state', 'canceling')
if j[2] == '1' and to == 'succeeded' then to = 'canceled' end
if j[1] == 'queued' and to == 'succeeded' then
  -- A run so short that its start was not written.
  local began = now_ms() - tonumber(ARGV[4])
  redis.call('HSET', key_of(id), 'state', 'running', 'started_at', began)
  announce(id, 'job.running', { state = 'running', at = began })
  j[1] = 'running'
end
if not may_move(j[1], to) then return 'terminal' end
local fields = {}
for i = 6, #ARGV do fields[#fields + 1] = ARGV[i] end
if to == 'canceled' then fields = {} end
if #fields == 0 then fields = { 'canceling', j[2] } end
finish(id, to, now_ms(), fields, tonumber(ARGV[4]))
return to
