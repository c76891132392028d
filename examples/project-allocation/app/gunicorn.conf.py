workers = 2
threads = 8
worker_tmp_dir = "/dev/shm"
graceful_timeout = 8
