using System.Buffers;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LambdaStreaming;
using LambdaStreaming.AspNetCore;
using Microsoft.AspNetCore.Antiforgery;          // only for the antiforgery example
using Microsoft.AspNetCore.Components;           // only for the Blazor example
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.SignalR;              // only for the SignalR example

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient());
var app = builder.Build();

public sealed record Question(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Question))]
internal sealed partial class QuestionJson : JsonSerializerContext;

[JsonSerializable(typeof(string))]
internal sealed partial class TickerJson : JsonSerializerContext;
