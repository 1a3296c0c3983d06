/** JSON lines: the record as it stands in the chain, so that whoever has all of them can verify the hashes. */
import type { Format } from './event.ts'

export const formatJson: Format = ({ line }) => [line]
