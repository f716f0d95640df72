using Amazon;
using LambdaStreaming;
