/**
 * One start of a container: it is made, compared with what was asked for, and only then does its command run.
 *
 * Podman can prepare a container with all of its mounts and wait; docker mounts when it starts, so there the mounts are
 * compared a moment later, and a container that shows something else is killed.
 */
import { closeSync } from 'node:fs'
import { Fault } from '../../core/fault.ts'
import { isWithin, pin, pinAll, type PinnedPath, realPaths } from '../bind.ts'
import { DescriptorTable } from '../descriptors.ts'
import type { LaunchSpec, SandboxedProcess } from '../driver.ts'
import { buildEnvironment, HOME } from '../environment.ts'
import { type FolderVolume, prepareVolumes } from '../folders/volumes.ts'
import { WritableFolders } from '../folders/writable-folders.ts'
import { createArguments } from './arguments.ts'
import { type Attachment, attach } from './attachment.ts'
import { demand } from './engine.ts'
import { confirmSettings, type Expected, inspect } from './inspect.ts'
import { confirmFileLimit } from './kit.ts'
import { confirmMounts, mountFlags } from './mounts.ts'
import { namelessFile } from './nameless.ts'
import type { Launch, Plan } from './plan.ts'
import { start } from './start.ts'
import { removeSurely } from './tree.ts'
import { environmentFile } from './variables.ts'

const NO_IMAGES = { ok: false, reason: 'a container has volumes that are folders' } as const

/** Throws `sandbox.start_failed`; no container is left then. */
export async function launchContainer(launch: Launch): Promise<SandboxedProcess> {
  const { spec, ground, name } = launch
  const hidden = realPaths(launch.hidden)
  const folders = new WritableFolders({ hidden, onAccess: spec.onAccess })
  const volumes = spec.volumes?.length ? await prepareVolumes(spec.volumes, NO_IMAGES, launch.account) : []
  const pinned = pinPaths(spec, volumes as readonly FolderVolume[], hidden)
  let network: Attachment | undefined
  try {
    watch(folders, pinned, spec, volumes as readonly FolderVolume[])
    network = await attach(ground.networks, spec, ground.kit?.folder)
    const plan: Plan = { ...launch, hidden, pinned, network, folders, variables: variablesOf(spec, network) }
    await create(plan)
    return await start(plan, await prepare(plan))
  } catch (problem) {
    network?.close()
    await removeSurely(ground.engine, name)
    await folders.close()
    throw problem
  } finally {
    for (const { descriptor } of pinned) closeSync(descriptor)
  }
}

/** Volumes lie in the gateway's own folder, which hides everything else. */
function pinPaths(
  spec: LaunchSpec,
  volumes: readonly FolderVolume[],
  hidden: readonly string[],
): readonly PinnedPath[] {
  const listed = pinAll(
    [
      ...spec.readOnly.map((path) => ({ path, access: 'read-only' as const })),
      ...spec.readWrite.map((path) => ({ path, access: 'read-write' as const })),
    ],
    hidden,
  )
  return [...listed, ...volumes.map(({ source, at }) => ({ ...pin(source, 'read-write', []), destination: at }))]
}

/** A path inside another one is a part of it, and is not counted and reported twice. */
function watch(
  folders: WritableFolders,
  pinned: readonly PinnedPath[],
  { limits }: LaunchSpec,
  volumes: readonly FolderVolume[],
): void {
  const writable = pinned.filter(({ access }) => access === 'read-write')
  for (const { descriptor, source, destination } of writable) {
    if (writable.some((other) => other.source !== source && isWithin(source, other.source))) continue
    const own = volumes.find(({ at }) => at === destination) ?? { bytes: limits.diskBytes, files: limits.diskFiles }
    folders.add({ descriptor, shown: destination, limits: { bytes: own.bytes, files: own.files } })
  }
}

/** The image knows where its programs are; everything else has our values. */
function variablesOf(spec: LaunchSpec, { variables: ours }: Attachment): ReadonlyMap<string, string> {
  const variables = new Map(buildEnvironment({ ...ours, ...spec.env }, { home: HOME, pathDirectories: [] }))
  if (!Object.hasOwn(spec.env, 'PATH')) variables.delete('PATH')
  return variables
}

async function create({ ground, spec, account, name, hidden, pinned, network, variables }: Plan): Promise<void> {
  const table = new DescriptorTable()
  try {
    const descriptors = {
      environment: table.lend(namelessFile(environmentFile(variables))),
      filter: table.lend(namelessFile(ground.profile)),
    }
    const args = createArguments({
      engine: ground.engine.name,
      image: ground.imageName,
      imageVolumes: ground.image.volumes,
      runtime: ground.runtime,
      masked: ground.masked,
      network: network.flag,
      mounts: [...mountFlags(ground.engine.name, pinned, hidden), ...network.mounts],
      kit: ground.kit?.createFlags(spec.limits.tmpFiles) ?? [],
      ...{ name, spec, account, descriptors },
    })
    await demand(ground.engine, args, table)
  } finally {
    table.close()
  }
}

/** Podman makes the namespaces and the mounts now, and lets nothing of the image run yet. Resolves with process 1, or 0. */
async function prepare(plan: Plan): Promise<number> {
  const { ground, name, network, pinned, spec } = plan
  const { engine, showsMounts, kit } = ground
  if (engine.name === 'podman') await demand(engine, ['init', name])
  const prepared = await inspect(engine, name)
  if (prepared === undefined) {
    throw new Fault('sandbox.start_failed', { reason: 'the container is gone before it was started' })
  }
  confirmSettings(prepared, expectation(plan))
  const { Pid: pid } = prepared.State
  if (showsMounts && pid > 0) confirmMounts(pinned, pid)
  if (showsMounts && kit !== undefined) confirmFileLimit(pid, spec.limits.tmpFiles)
  network.confirm(pid)
  return pid
}

function expectation({ ground, spec, account, network, pinned, variables }: Plan): Expected {
  const { facts } = ground
  const { memoryBytes, processes, cpus } = spec.limits
  return {
    variables,
    user: `${account.uid}:${account.gid}`,
    network: network.flag,
    mounts: new Map([
      ...pinned.map(({ destination, access }) => [destination, access === 'read-write'] as const),
      ...network.destinations.map((path) => [path, false] as const),
    ]),
    memoryBytes: facts.memory ? memoryBytes : undefined,
    processes: facts.processes ? processes : undefined,
    cpus: facts.cpu ? cpus : undefined,
  }
}
