/** Reads what a stranger sends to its end. Rejects with an Error as soon as it is more than `maxBytes`, which names the `sender`. */
export async function readAtMost(body: AsyncIterable<Buffer>, maxBytes: number, sender: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error(`${sender} sent more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
