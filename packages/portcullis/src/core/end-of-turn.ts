/**
 * What one turn of the event loop sends leaves together, at its end.
 *
 * The first write wakes whoever reads at the other end, and the others find it awake. On a host with few processors such a
 * wake costs more than the rest of a write, and a turn that decides all before it sends anything keeps its caches.
 */
export interface Outbound {
  /** Writes what is due. Throws nothing. */
  flush(): void
}

let waiting: Outbound[] = []

/** Flushes `outbound` when this turn has handled its events; in the order of the calls. */
export function atEndOfTurn(outbound: Outbound): void {
  if (waiting.push(outbound) === 1) setImmediate(flushAll)
}

function flushAll(): void {
  const due = waiting
  waiting = []
  for (const outbound of due) outbound.flush()
}
