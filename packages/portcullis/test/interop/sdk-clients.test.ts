// The official SDK clients, in every mode, unmodified.

import { connectV1 } from './peer-v1.ts'
import { connectV2 } from './peer-v2.ts'
import { type Connection, describePeer } from './suite.ts'
import { TARGETS } from './target.ts'

const CONNECTIONS: readonly Connection[] = [
  { title: 'SDK client 1', revision: '2025-11-25', connect: connectV1 },
  { title: 'SDK client 2, legacy', revision: '2025-11-25', connect: (place) => connectV2(place, 'legacy') },
  { title: 'SDK client 2, auto', revision: '2026-07-28', connect: (place) => connectV2(place, 'auto') },
  {
    title: 'SDK client 2, pinned',
    revision: '2026-07-28',
    connect: (place) => connectV2(place, { pin: '2026-07-28' }),
  },
]

for (const target of TARGETS) for (const connection of CONNECTIONS) describePeer(connection, target)
