/** Lines of a .dockerignore that fit any repository: what no image needs, and what would change its key without changing it. */
export const usualIgnores: readonly string[] = ['.git', '.github', 'launchway.yml', '.env', '.env.*', '**/__pycache__']
