#!lua flags=allow-oom
-- Keep the leases of one worker. ARGV: lease ms, then id, fence, …
-- Returns the ids that are lost and the ids whose owners want them canceled.
local lost, canceling = {}, {}
local now = now_ms()
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  if is_stale(id, ARGV[i + 1]) then
    lost[#lost + 1] = id
  else
    redis.call('ZADD', LEASES, now + tonumber(ARGV[1]), id)
    if read(id, 'canceling')[1] == '1' then canceling[#canceling + 1] = id end
  end
end
return { lost, canceling }
