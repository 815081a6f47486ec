FROM scratch
COPY f.txt /right
