bind = ":5000"
workers = 3
threads = 8
worker_class = "gthread"
worker_tmp_dir = "/dev/shm"
graceful_timeout = 8
