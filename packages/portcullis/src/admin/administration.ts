import type { Administration } from '../gateway/administration.ts'
import { ADMINISTRATION_PATH } from '../transport/route.ts'
import { upstreamsDocument } from './upstreams.ts'

/** What administrators can ask the running gateway, by path. One file of this room answers for each noun. */
export const administration: Administration = (view) =>
  new Map([[`${ADMINISTRATION_PATH}/v1/upstreams`, (asker) => upstreamsDocument(view, asker)]])
