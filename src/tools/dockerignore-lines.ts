/** Lines of a .dockerignore that fit any repository: what no image needs, and what would change its key without changing it. */
export const usualIgnores: readonly string[] = ['.git', '.github', 'launchway.yml', '.env', '.env.*', '**/__pycache__']

/** Those of the usual lines that hide nothing which this Dockerfile takes, and what it takes all the same. */
export function ignoresFor(dockerfile: string): string[] {
  const copied = [...dockerfile.matchAll(/^\s*(?:COPY|ADD)\s+(?!.*--from=)(.+)$/gim)].flatMap(([, words = '']) => words.split(/[\s",[\]]+/))
  const samples = copied.map((word) => word.replace(/^(?:\.?\/)+/, '')).filter((word) => /^\.env\.[\w.-]+$/.test(word))
  // What asks git for the version, or is told it by git, needs the repository.
  const asksGit = /\bgit (?:describe|rev-parse|log|rev-list)\b|\bsetuptools[_-]scm\b|\bhatch-vcs\b|\bversioneer\b/i.test(dockerfile)
  return [...usualIgnores.filter((line) => !(asksGit && line === '.git')), ...new Set(samples.map((word) => `!${word}`))]
}
