using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Code of a page, pasted into the Program.cs of a new console project, and its compilation.</summary>
internal sealed class PastedProgram
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private const string WebImplicitUsings = """
        global using System.Net.Http.Json;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        """;

    // The default of .NET 8, the oldest .NET that the packages support.
    private static readonly CSharpParseOptions OldestCSharp = new(LanguageVersion.CSharp12);

    private static readonly string Folder =
        Path.Combine(Repository.Root, "tests", "LambdaStreaming.Docs.Tests", "Programs");

    private static readonly IReadOnlyList<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("LambdaStreaming.Docs", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private readonly CompilationUnitSyntax _program;

    private PastedProgram(CompilationUnitSyntax program) => _program = program;

    /// <summary>The names of the complete programs in the folder Programs.</summary>
    public static IReadOnlyCollection<string> Names { get; } =
        [.. Directory.GetFiles(Folder, "*.cs").Select(file => Path.GetFileNameWithoutExtension(file))];

    public static string Read(string name) => Repository.Read(Folder, name + ".cs");

    /// <summary>Creates a program from a block that is complete.</summary>
    public static PastedProgram FromProgram(string code) => new(Parse(code));

    /// <summary>Determines whether a block is what the other blocks of its page continue.</summary>
    public static bool IsSetup(Page.Block block) => block.Snippet.EndsWith("-setup", StringComparison.Ordinal);

    /// <summary>Continues the first program of a page with a block; the types of the page follow.</summary>
    /// <remarks>What the block declares itself replaces the declaration in the first program.</remarks>
    /// <param name="page">The page.</param>
    /// <param name="snippet">The name of the block.</param>
    /// <param name="end">Statements that follow the block.</param>
    public static PastedProgram FromPage(Page page, string snippet, string end = "")
    {
        var blocks = page.Blocks.Where(block => block.Language == "csharp").ToList();
        var code = blocks.First(block => block.Snippet == snippet).Code;
        var types = blocks.Where(block => !IsSetup(block) && IsType(block.Code) && block.Code != code);
        return FromBlock(blocks.Single(IsSetup).Code, code + end, types.Select(block => block.Code));
    }

    /// <summary>Compiles the program.</summary>
    /// <returns>The errors; empty if it compiles.</returns>
    public IReadOnlyList<string> Compile(Stream assembly)
    {
        var code = _program.NormalizeWhitespace().ToFullString();
        var web = code.Contains("WebApplication.", StringComparison.Ordinal) ? WebImplicitUsings : "";
        var trees = ((string[])[code, ImplicitUsings, web, GetJsonContexts(), GetStubs(code)])
            .Select(text => CSharpSyntaxTree.ParseText(text, OldestCSharp));
        var isProgram = _program.Members.Any(member => member is GlobalStatementSyntax);
        var compilation = CSharpCompilation.Create(
            "Pasted" + Guid.NewGuid().ToString("N"),
            trees,
            References,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.Emit(assembly).Diagnostics
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => diagnostic.ToString())];
    }

    private static PastedProgram FromBlock(string setup, string block, IEnumerable<string> types)
    {
        var (program, code) = (Parse(setup), Parse(block));
        var declared = GetDeclaredNames(code);
        var statements = program.Members.OfType<GlobalStatementSyntax>()
            .Where(statement => !GetDeclaredNames(statement).Overlaps(declared))
            .Concat(code.Members.OfType<GlobalStatementSyntax>());
        var declarations = types.SelectMany(type => Parse(type).Members)
            .Concat(program.Members)
            .Concat(code.Members)
            .Where(member => member is not GlobalStatementSyntax);
        return new(program.WithMembers([.. statements, .. declarations]));
    }

    private static bool IsType(string code) =>
        code.StartsWith("public ", StringComparison.Ordinal) || code.StartsWith("internal ", StringComparison.Ordinal);

    private static CompilationUnitSyntax Parse(string code) =>
        (CompilationUnitSyntax)CSharpSyntaxTree.ParseText(code).GetRoot();

    // The packages Amazon.Lambda.* and AWSSDK.Lambda are not references of this project.
    private static string GetStubs(string code) =>
        code.Contains("Amazon.Lambda.RuntimeSupport", StringComparison.Ordinal) ? Read("Stubs/AwsLambdaRuntime")
        : code.Contains("Amazon.Lambda", StringComparison.Ordinal) ? Read("Stubs/AwsSdkLambda")
        : "";

    private static HashSet<string> GetDeclaredNames(SyntaxNode node) =>
    [
        .. node.DescendantNodes(child => child is not LambdaExpressionSyntax).Select(child => child switch
        {
            VariableDeclaratorSyntax variable => variable.Identifier.Text,
            SingleVariableDesignationSyntax variable => variable.Identifier.Text,
            ForEachStatementSyntax loop => loop.Identifier.Text,
            _ => "",
        }).Where(name => name.Length > 0),
    ];

    // The source generator of System.Text.Json does not run here. These are the members that the pages use.
    private string GetJsonContexts()
    {
        var contexts = _program.Members.OfType<ClassDeclarationSyntax>()
            .Where(type => $"{type.BaseList}".Contains("JsonSerializerContext", StringComparison.Ordinal));
        return string.Concat(contexts.Select(context =>
        {
            var name = context.Identifier.Text;
            var types = context.DescendantNodes().OfType<TypeOfExpressionSyntax>()
                .Select(type => type.Type.ToString());
            const string Metadata = "System.Text.Json.Serialization.Metadata";
            var attributes = context.AttributeLists.ToString();
            var policy = attributes.Contains("JsonKnownNamingPolicy.CamelCase", StringComparison.Ordinal)
                ? "System.Text.Json.JsonNamingPolicy.CamelCase"
                : "null";
            return $$"""
                partial class {{name}}() : System.Text.Json.Serialization.JsonSerializerContext(null)
                {
                    public static {{name}} Default { get; } = new();
                    protected override System.Text.Json.JsonSerializerOptions? GeneratedSerializerOptions => null;
                    public override {{Metadata}}.JsonTypeInfo? GetTypeInfo(System.Type type) =>
                        new System.Text.Json.JsonSerializerOptions
                        {
                            TypeInfoResolver = new {{Metadata}}.DefaultJsonTypeInfoResolver(),
                            PropertyNamingPolicy = {{policy}},
                        }.GetTypeInfo(type);
                    {{string.Concat(types.Select(type => $"""
                        public {Metadata}.JsonTypeInfo<{type}> {char.ToUpperInvariant(type[0])}{type[1..]} =>
                            ({Metadata}.JsonTypeInfo<{type}>)GetTypeInfo(typeof({type}))!;

                        """))}}
                }
                """;
        }));
    }
}
