/** `/backups`: how old the last one is, and the way to make another. No request says where it is put: that is the configuration's word. */
import { GATEWAY_TENANT } from '../audit/record.ts'
import { type Fields, flag, optional, text, whole } from './fields.ts'
import { conflict } from './known.ts'
import { liveOf } from './live.ts'
import { type AdminCall, type AdminRoute, OPERATORS, READERS, route } from './route.ts'

const MADE = {
  id: text('of the backup', { max: 16 }),
  manifest: text('SHA-256 of its manifest', { max: 64 }),
  folder: text('where it is', { max: 4_096 }),
  bytes: whole('its length', 0, Number.MAX_SAFE_INTEGER),
  privateKeys: flag('whether private keys are in it'),
  continues: optional(text('the backup that it continues', { max: 16 })),
}

export const BACKUP_ROUTES: readonly AdminRoute[] = [
  route({
    ...{ method: 'GET', path: '/backups', name: 'readBackups' },
    summary: 'The last backup, the next one, and how far one is that is being made.',
    may: READERS,
    reach: 'gateway',
    run: ({ view }) => ({ document: { ...liveOf(view).backups.status } }),
  }),
  route({
    ...{ method: 'POST', path: '/backups', name: 'makeBackup' },
    summary:
      'Makes a backup beside everything else, as the schedule would: for the recipients and into the folder of the configuration.',
    may: OPERATORS,
    reach: 'gateway',
    body: {},
    run: make,
  }),
  route({
    ...{ method: 'POST', path: '/backups/begin', name: 'beginBackup' },
    summary: 'Signs all chains where they stand, for a command on this host that makes a backup itself.',
    may: OPERATORS,
    reach: 'gateway',
    body: {},
    run: ({ view, change }) =>
      change(async (announce) => {
        const { backups } = liveOf(view)
        await announce({ what: 'backup.begun', id: 'backup' })
        return { document: { ends: (await backups.begin()).map((end) => ({ ...end })) } }
      }, GATEWAY_TENANT),
  }),
  route({
    ...{ method: 'POST', path: '/backups/made', name: 'recordBackup' },
    summary: 'Puts on record what a command on this host has made.',
    may: OPERATORS,
    reach: 'gateway',
    body: MADE,
    run: made,
  }),
]

/** It goes on after the answer; its end is on record and in the status. */
function make({ view, asker, change }: AdminCall) {
  const { backups } = liveOf(view)
  if (!backups.status.isConfigured) throw conflict('The configuration names no backup.folder, or no backup.recipients.')
  if (backups.status.isRunning) throw conflict('A backup is being made already.')
  return change(async (announce) => {
    await announce({ what: 'backup.begun', id: 'backup' })
    const running = backups.run(asker.id)
    running.catch(() => undefined)
    return { document: { ...backups.status } }
  }, GATEWAY_TENANT)
}

function made({ view, body, change }: AdminCall<Fields, typeof MADE>) {
  const { id, ...detail } = body
  return change(async (announce) => {
    await announce({ what: 'backup.created', id, detail })
    liveOf(view).backups.noticed()
    return { document: { id } }
  }, GATEWAY_TENANT)
}
