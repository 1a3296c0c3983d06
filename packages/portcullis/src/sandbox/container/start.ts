/** The last step of a launch: the command of a prepared container runs, with our pipes for its streams. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../core/fault.ts'
import { type StartedChild, startChild } from '../child.ts'
import { DescriptorTable } from '../descriptors.ts'
import type { SandboxedProcess } from '../driver.ts'
import { watchedTree } from '../folders/watched-tree.ts'
import { ConfinedProcess } from '../process.ts'
import type { Engine } from './engine.ts'
import { ContainerGroups } from './groups.ts'
import { inspect } from './inspect.ts'
import type { Plan } from './plan.ts'
import { confirmMounts } from './mounts.ts'
import { containerTree } from './tree.ts'

const START_TRIES = 200
const START_PAUSE_MS = 25

/**
 * `initPid` is process 1 of the prepared container, or 0 where the engine prepares nothing. Throws `sandbox.start_failed`;
 * the command is killed then.
 */
export async function start(plan: Plan, initPid: number): Promise<SandboxedProcess> {
  const { folders, network, spec } = plan
  const groups = new ContainerGroups()
  groups.follow(initPid)
  // A limit that is passed before the command runs refuses the launch by itself.
  let onQuota = () => {}
  const watch = async () => {
    const { members, freezer } = groups
    if (members.initPid > 0) await folders.start({ members, freezer, onQuota: () => onQuota() })
  }
  if (initPid > 0) await watch()
  const child = await attachedChild(plan)
  const tree = watchedTree(containerTree(plan.ground.engine, plan.name, child, groups), folders)
  const meters = [groups.usage, () => folders.usage, ...network.meters]
  const confined = new ConfinedProcess(child, tree, spec.limits, meters, spec.onAccess)
  onQuota = () => confined.kill('disk-quota')
  void confined.exited.finally(() => network.close())
  if (initPid > 0) return confined
  try {
    groups.follow(await running(plan, confined))
    await watch()
    return confined
  } catch (problem) {
    confined.kill('killed')
    const { stderrTail } = await confined.exited
    throw new Fault('sandbox.start_failed', { reason: reasonOf(problem, stderrTail) }, { cause: problem })
  }
}

async function attachedChild({ ground: { engine, leash }, name }: Plan): Promise<StartedChild> {
  const own = engine.name === 'podman' ? ['--sig-proxy=false'] : []
  return startChild([...leash, ...engine.argv, 'start', '--attach', '--interactive', ...own, name], {
    environment: engine.environment,
    cwd: '/',
    table: new DescriptorTable(),
  })
}

/** Resolves with the first process once the command runs, or with 0 when it has ended by itself in the meantime. */
async function running({ ground, name, pinned }: Plan, confined: SandboxedProcess): Promise<number> {
  let ended = false
  void confined.exited.then(() => {
    ended = true
  })
  const state = await settled(ground.engine, name, () => ended)
  if (state?.Status === 'running') {
    if (ground.showsMounts && state.Pid > 0) confirmMounts(pinned, state.Pid)
    return state.Pid
  }
  if (!ended && state !== undefined && state.Status !== 'exited') refuse('the container did not start in time')
  if ((await confined.exited).reason === 'setup-failed') refuse('the container ended before its command could run')
  return 0
}

/** The state of the container once it is neither made nor starting; undefined when it is gone. */
async function settled(engine: Engine, name: string, isOver: () => boolean) {
  for (let attempt = 0; attempt < START_TRIES && !isOver(); attempt++) {
    const state = (await inspect(engine, name))?.State
    if (state === undefined || ['running', 'exited', 'dead'].includes(state.Status)) return state
    await sleep(START_PAUSE_MS)
  }
  return (await inspect(engine, name))?.State
}

/** What we found out ourselves says more than the last words of the engine. */
function reasonOf(problem: unknown, stderrTail: string): string {
  if (!(problem instanceof Fault)) return stderrTail || (problem as Error).message
  const reason = String(problem.detail['reason'])
  return problem.detail['path'] === undefined && stderrTail !== '' ? stderrTail : reason
}

function refuse(reason: string): never {
  throw new Fault('sandbox.start_failed', { reason })
}
