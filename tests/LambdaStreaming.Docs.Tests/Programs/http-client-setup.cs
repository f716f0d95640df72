using System.ClientModel;
using System.ClientModel.Primitives;
using LambdaStreaming;
using LambdaStreaming.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;
using OpenAI.Chat;

var builder = WebApplication.CreateBuilder(args);
using var http = new HttpClient();
