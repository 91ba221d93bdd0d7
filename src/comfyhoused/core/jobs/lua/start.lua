#!lua flags=allow-oom
-- The backend has begun the job: now it is `running`, and its clock runs.
-- ARGV: id, fence
local id = ARGV[1]
if is_stale(id, ARGV[2]) then return 'stale' end
local state = read(id, 'state')[1]
if state == 'running' then return 'done' end
if not may_move(state, 'running') then return 'terminal' end
local now = now_ms()
redis.call('HSET', key_of(id), 'state', 'running', 'started_at', now)
redis.call('ZREM', DEADLINES, id)
announce(id, 'job.running', { state = 'running', at = now })
return 'done'
