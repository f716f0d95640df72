using System.ClientModel;                   // package OpenAI, as the next line and the last two
using System.ClientModel.Primitives;
using LambdaStreaming;
using LambdaStreaming.Http;
using Microsoft.AspNetCore.Builder;         // only for the examples with builder
using Microsoft.Extensions.DependencyInjection;
using OpenAI;
using OpenAI.Chat;

var builder = WebApplication.CreateBuilder(args);
using var lambda = new LambdaStreamingClient();
var handler = new LambdaHttpHandler(lambda, "my-llm");
using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
