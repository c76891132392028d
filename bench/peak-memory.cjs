// Loaded into a program before it starts: says at its end how much memory it held at most, in KiB.
process.once('exit', () => {
  const { maxRSS } = process.resourceUsage()
  process.stderr.write(`peak-memory ${maxRSS}\n`)
})
