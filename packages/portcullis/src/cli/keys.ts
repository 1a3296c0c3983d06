/** `portcullis keys …`: new keys and destroyed ones, while the gateway runs on or from beside it. */
import { setTimeout as pause } from 'node:timers/promises'
import type { AdminReply } from './admin-call.ts'
import { CommandError, EXIT, type ExitStatus } from './exit.ts'
import { type AdminDesk, type AdminOptions, withAdmin } from './open-admin.ts'
import { minute } from './show-list.ts'
import { printable, type Terminal } from './terminal.ts'

type TenantOptions = AdminOptions & { readonly tenant: string }

export async function keysShow(options: TenantOptions, terminal: Terminal): Promise<void> {
  const found = await withAdmin(options, terminal, ({ ask }) => ask({ method: 'GET', path: '/vault' }))
  if (options.json === true) return terminal.out(JSON.stringify(found))
  const versions = (found['versions'] ?? []) as readonly { readonly version: number; readonly createdAt: number }[]
  if (versions.length === 0) return terminal.err(`Tenant ${options.tenant} has no keys.`)
  terminal.out(`wrapped by ${printable(String(found['wrappedBy']))}`)
  for (const { version, createdAt } of versions) terminal.out(`data key ${version} of ${minute(createdAt)}`)
}

export async function keysRotate(
  options: TenantOptions & { readonly wait: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  return withAdmin(options, terminal, async (desk) => {
    const made = await desk.ask({ method: 'POST', path: '/vault/rotate', body: {} })
    terminal.err(`Data key ${String(made['version'])} of tenant ${options.tenant} seals now; older ones still open.`)
    return options.wait ? end(desk, '/vault', options, terminal) : begun(made, options, terminal)
  })
}

export async function keysRewrap(
  options: AdminOptions & { readonly new?: boolean; readonly wait: boolean },
  terminal: Terminal,
): Promise<ExitStatus> {
  return withAdmin(options, terminal, async (desk) => {
    const made = await desk.ask({ method: 'POST', path: '/vault/rewrap', body: { renew: options.new === true } })
    return options.wait ? end(desk, '/vault/rewrap', options, terminal) : begun(made, options, terminal)
  })
}

export async function keysShred(
  tenant: string,
  options: AdminOptions & { readonly yes?: boolean },
  terminal: Terminal,
): Promise<void> {
  if (options.yes !== true) throw new CommandError(EXIT.usage, 'what is shredded cannot be had back; repeat with --yes')
  const named = { ...options, tenant }
  const request = { method: 'POST', path: '/vault/shred', body: { confirm: tenant } } as const
  const done = await withAdmin(named, terminal, ({ ask }) => ask(request))
  if (options.json === true) terminal.out(JSON.stringify(done))
  terminal.err(
    `The keys of tenant ${tenant} and ${String(done['removed'])} credentials are gone, in every copy of the store.`,
  )
}

const POLL_MS = 200

interface Shown {
  readonly state: string
  readonly done: number
  readonly total: number
  readonly changed: number
  readonly broken: number
  readonly problem?: string
}

function begun(made: AdminReply['document'], { json }: AdminOptions, terminal: Terminal): ExitStatus {
  if (json === true) terminal.out(JSON.stringify(made))
  return EXIT.ok
}

/** Shows how far it is until it ends. */
async function end({ ask }: AdminDesk, path: string, { json }: AdminOptions, terminal: Terminal): Promise<ExitStatus> {
  let told = ''
  for (;;) {
    const document = await ask({ method: 'GET', path })
    const { state, done, total, changed, broken, problem } = document['progress'] as Shown
    const line = `${done} of ${total}`
    if (line !== told && total > 0) terminal.err(line)
    told = line
    if (state !== 'running') {
      if (json === true) terminal.out(JSON.stringify(document))
      terminal.err(
        state === 'done'
          ? `${changed} changed${broken > 0 ? `; ${broken} do not open and are as they were` : ''}.`
          : `It has not come to its end (${printable(problem ?? 'unknown')}); everything is as readable as before. Run it again.`,
      )
      return state === 'done' && broken === 0 ? EXIT.ok : EXIT.unavailable
    }
    await pause(POLL_MS, undefined, { signal: terminal.interrupted })
  }
}
