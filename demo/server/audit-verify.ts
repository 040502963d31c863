import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { readHead, verifyChain } from './audit-chain.ts'
import { headFile } from './audit-log.ts'

/**
 * `tsx demo/server/audit-verify.ts FILE`: exit code 0 if the chain is whole, 1 if it isn't. The head is FILE.head,
 * its key AUDIT_KEY or the one beside the log.
 */
const verify = async (file: string): Promise<string> => {
  const key = process.env.AUDIT_KEY ?? readFileSync(join(dirname(file), 'audit-key'), 'utf8')
  const head = readHead(headFile(file), key)
  if (!head) throw new Error(`${headFile(file)} is missing: without it nobody can tell whether lines are.`)
  const result = await verifyChain(file, head)
  if (result.state === 'broken') throw new Error(`${file}:${result.line}: ${result.reason}`)
  const beyond = result.beyond > 0 ? ` ${result.beyond} of them are not in the head yet.` : ''
  return `${result.head.seq} lines, whole.${beyond} The last one's hash: ${result.head.hash}`
}

const [file] = parseArgs({ allowPositionals: true }).positionals
if (file === undefined) {
  console.error('Name the log: npm run audit:verify -- .data/server/audit.jsonl')
  process.exitCode = 2
} else {
  await verify(file).then(
    (message) => console.log(message),
    (error: Error) => {
      console.error(error.message)
      process.exitCode = 1
    },
  )
}
