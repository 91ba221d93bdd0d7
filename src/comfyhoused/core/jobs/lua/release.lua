#!lua flags=allow-oom
-- A worker goes away in good order: its jobs may be adopted at once, their prompts go on.
-- ARGV: id, fence, …
local released = 0
for i = 1, #ARGV, 2 do
  if not is_stale(ARGV[i], ARGV[i + 1]) then
    redis.call('ZADD', LEASES, now_ms(), ARGV[i])
    released = released + 1
  end
end
return released
