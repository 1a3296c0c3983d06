/** Which image a container is made of: by digest, present already, never fetched by a start. */
import { Fault } from '../../core/fault.ts'
import { ask, type Engine } from './engine.ts'

export interface Image {
  /** Paths of the volumes that it declares. */
  readonly volumes: readonly string[]
}

const BY_DIGEST = /^[a-z0-9][a-z0-9._:/-]{0,254}@sha256:[0-9a-f]{64}$/

/**
 * Throws `sandbox.unavailable` for a name that may mean something else tomorrow, and for an image that is not there:
 * `detail.mend` is the command that fetches it.
 */
export async function findImage(engine: Engine, image: string): Promise<Image> {
  if (!BY_DIGEST.test(image)) {
    refuse(image, 'the image is not named by its digest', `name it as ${image.split('@')[0]}@sha256:…`)
  }
  const { code, stdout, problem } = await ask(engine, ['image', 'inspect', '--format', '{{json .Config}}', image])
  if (code === 0) return { volumes: volumesOf(stdout) }
  if (!isAbsent(problem)) refuse(image, problem)
  return refuse(image, 'the image is not on this host, and a start fetches none', `run: ${engine.name} pull ${image}`)
}

const isAbsent = (problem: string) => /no such image|image not known|not found/i.test(problem)

function volumesOf(text: string): readonly string[] {
  const config = JSON.parse(text) as { readonly Volumes?: Readonly<Record<string, unknown>> | null } | null
  return Object.keys(config?.Volumes ?? {})
}

function refuse(image: string, reason: string, mend?: string): never {
  throw new Fault('sandbox.unavailable', { driver: 'container', image, reason, ...(mend !== undefined && { mend }) })
}
