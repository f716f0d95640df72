using Amazon;
using Amazon.Extensions.NETCore.Setup;     // only for AWSOptions
using Amazon.Runtime;                      // this and the next two: only for roles
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using LambdaStreaming;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

var builder = WebApplication.CreateBuilder(args);
