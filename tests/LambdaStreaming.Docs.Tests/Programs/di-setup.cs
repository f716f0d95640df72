using Amazon.Extensions.NETCore.Setup;
using Amazon.Runtime;
using LambdaStreaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

var builder = WebApplication.CreateBuilder(args);

public sealed class PaymentCredentials
{
    public AWSCredentials Value { get; } = new BasicAWSCredentials("access key", "secret key");
}
