# An image of the command and the server, on ONNX Runtime. `make test-image` runs these lines where there is no builder.
FROM python:3.11-slim AS build
WORKDIR /build
COPY constraints.txt requirements-image.txt requirements-predict.txt ./
RUN python -m venv /opt/ser-acrnn
RUN /opt/ser-acrnn/bin/python -m pip install --quiet --no-cache-dir -c constraints.txt -r requirements-image.txt
COPY LICENSE README.md pyproject.toml setup.cfg ./
COPY ser_acrnn ser_acrnn
RUN /opt/ser-acrnn/bin/python -m pip install --quiet --no-cache-dir --no-deps .
RUN /opt/ser-acrnn/bin/python -m pip uninstall --quiet --yes setuptools pip

FROM python:3.11-slim
COPY --from=build /opt/ser-acrnn /opt/ser-acrnn
ENV PATH=/opt/ser-acrnn/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /recordings
USER 65534:65534
EXPOSE 8000
ENTRYPOINT ["ser-acrnn"]
CMD ["--help"]
