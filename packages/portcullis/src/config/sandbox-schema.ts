/** `sandbox`: the walls around a program, and what it may use inside of them. */
import { z } from 'zod'
import { count, isMap, name, path } from './fields.ts'
import { network } from './network-schema.ts'

/** A path as the program sees it: nothing of ours could make a relative one whole. */
const insidePath = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL ends a path early in system calls
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^\0\r\n/]+)+$/)
  .meta({ title: 'an absolute path without . and ..' })

/** Where the walls themselves put something. */
const SYSTEM = ['/bin', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/proc', '/sbin', '/sys', '/tmp', '/usr']

const WITHOUT_VOLUMES: ReadonlySet<string> = new Set(['seatbelt', 'none'])

const volume = z.strictObject({
  name: name.describe('Name of the volume. Its content outlives the process.'),
  at: insidePath.describe('Where the program finds it. The place does not exist on the host.'),
  sizeMiB: count(1, 1_048_576).describe('Size of its file system.'),
  files: count(16, 10_000_000).default(10_000).describe('Files and folders in it.'),
})

const container = z
  .strictObject({
    engine: z.enum(['podman', 'docker']).default('podman').describe('Whose command line starts the container.'),
    image: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._:/-]{0,254}@sha256:[0-9a-f]{64}$/)
      .meta({ title: 'an image with its digest, name@sha256:…' })
      .describe('Image, by digest: a tag may mean something else tomorrow. It is never pulled.'),
    runtime: z
      .string()
      .regex(/^[a-zA-Z0-9][\w.-]{0,63}$/)
      .meta({ title: 'the name of a runtime that the engine knows, such as runsc' })
      .optional()
      .describe('OCI runtime, such as `runsc` (gVisor). Default: that of the engine.'),
  })
  .describe('For the driver `container` only.')

export const sandbox = z
  .strictObject({
    driver: z
      .enum(['bubblewrap', 'container', 'seatbelt', 'none'])
      .default('bubblewrap')
      .describe(
        'Weakness: `seatbelt` (macOS) has fewer walls, and `none` runs the program with all the rights of the gateway.',
      ),
    read: z.array(path).max(50).default([]).describe('Files and folders that it may read. Nothing else is visible.'),
    write: z.array(path).max(50).default([]).describe('Files and folders that it may also change.'),
    volumes: z
      .array(volume)
      .max(10)
      .default([])
      .describe(
        'File systems of its own that outlive it, one for each of its processes at a time. Where the host cannot mount them they are watched folders.',
      ),
    network: network.optional(),
    memoryMiB: count(16, 1_048_576).default(1024).describe('Memory of all its processes, private files included.'),
    cpus: z.number().min(0.05).max(1024).optional().describe('Processors at a time, such as 0.5. Default: all.'),
    processes: count(1, 4096).default(64).describe('Processes and threads.'),
    openFiles: count(16, 65_536).default(1024).describe('Open files of one process.'),
    fileMiB: count(1, 1_048_576).default(64).describe('Size of one file that it writes.'),
    tmpMiB: count(1, 65_536).default(64).describe('Size of its private /tmp, and of its home, which end with it.'),
    tmpFiles: count(16, 10_000_000).default(20_000).describe('Files and folders in each of the two.'),
    diskMiB: count(1, 1_048_576)
      .optional()
      .describe('All files in each folder of `write`, what was there before included. Default: not limited.'),
    diskFiles: count(1, 100_000_000).optional().describe('Files and folders in each of them. Default: not limited.'),
    outputMiB: count(1, 4096).default(256).describe('Output in a second; what exceeds it waits in the pipe.'),
    totalOutputMiB: count(1, 1_048_576)
      .optional()
      .describe('Output from start to end; more ends the process. Default: not limited.'),
    require: z
      .array(z.enum(['memory', 'processes', 'cpu', 'disk']))
      .max(4)
      .default([])
      .describe('Limits that must hold for the whole process tree at every moment: a host that cannot is refused.'),
    container: container.optional(),
  })
  .refine((value) => (value.driver === 'container') === (value.container !== undefined), {
    path: ['container'],
    message: 'belongs to the driver container, which cannot do without it',
    when: isMap,
  })
  .refine((value) => value.driver !== 'none' || value.network === undefined, {
    path: ['network'],
    message: 'the driver none keeps nothing from the network, so no rule of it would hold',
    when: isMap,
  })
  .refine((value) => value.write.length > 0 || (value.diskMiB === undefined && value.diskFiles === undefined), {
    path: ['write'],
    message: 'diskMiB and diskFiles limit the folders of write, and there are none',
    when: hasWrite,
  })
  .refine((value) => value.volumes.length === 0 || !WITHOUT_VOLUMES.has(value.driver), {
    path: ['volumes'],
    message: 'the drivers seatbelt and none have no volumes',
    when: hasVolumes,
  })
  .superRefine((value, context) => {
    for (const [index, { at }] of value.volumes.entries()) {
      const system = SYSTEM.find((place) => at === place || at.startsWith(`${place}/`))
      if (system === undefined) continue
      context.addIssue({ code: 'custom', path: ['volumes', index, 'at'], message: `${system} belongs to the system` })
    }
    for (const member of ['name', 'at'] as const) {
      for (const index of repeated(value.volumes.map((each) => each[member])))
        context.addIssue({ code: 'custom', path: ['volumes', index, member], message: 'another volume has it already' })
    }
    for (const index of repeated(value.require))
      context.addIssue({ code: 'custom', path: ['require', index], message: 'is listed twice' })
  })
  .describe('Walls around the program. Without `network` it reaches nothing.')

/** Where in a list something stands that stood there before. */
function repeated(values: readonly string[]): readonly number[] {
  return values.flatMap((value, index) => (values.indexOf(value) < index ? [index] : []))
}

function hasVolumes(payload: { readonly value: unknown }): boolean {
  return isMap(payload) && Array.isArray((payload.value as { volumes?: unknown }).volumes)
}

function hasWrite(payload: { readonly value: unknown }): boolean {
  return isMap(payload) && Array.isArray((payload.value as { write?: unknown }).write)
}
